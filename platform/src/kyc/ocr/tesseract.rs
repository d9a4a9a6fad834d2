use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use super::{Ocr, OcrError, Page, Reading};

/// The program.
const PROGRAM: &str = "tesseract";

/// A picture is read within this time.
const TIME: Duration = Duration::from_secs(30);

/// How often the program is looked after.
const STEP: Duration = Duration::from_millis(50);

/// Bytes of its answer that are taken: a page of text has a few thousand words.
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Tesseract as a program of this machine. Pictures go through pipes, so that none lies on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tesseract {
    languages: String,
}

impl Tesseract {
    /// When it is installed: with Indonesian and English where it has them.
    pub fn installed() -> Option<Self> {
        let listed = Command::new(PROGRAM)
            .arg("--list-langs")
            .stdin(Stdio::null())
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&listed.stdout);
        let has = |language: &&str| text.lines().any(|line| line.trim() == *language);
        let languages: Vec<&str> = ["ind", "eng"].into_iter().filter(has).collect();
        (!languages.is_empty()).then(|| Self {
            languages: languages.join("+"),
        })
    }

    fn run(&self, picture: &[u8]) -> Result<Page, OcrError> {
        let failed = |why: std::io::Error| OcrError::Later(PROGRAM, why.to_string());
        let child = Command::new(PROGRAM)
            .args([
                "stdin",
                "stdout",
                "-l",
                &self.languages,
                "--psm",
                "3",
                "tsv",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let mut running = Running(child);
        let output = running.0.stdout.take();
        let reader = thread::spawn(move || {
            let mut answer = Vec::new();
            if let Some(output) = output {
                // What came before an error is judged by the exit code.
                let _ = output.take(ANSWER_BYTES_MAX).read_to_end(&mut answer);
            }
            answer
        });
        if let Some(mut input) = running.0.stdin.take() {
            let picture = picture.to_vec();
            // Beside the waiting: one that takes nothing is ended when its time is over, and the pipe with it.
            thread::spawn(move || {
                // A program that ended early says why by its exit code.
                let _ = input.write_all(&picture);
            });
        }
        let code = running.wait()?;
        let answer = reader
            .join()
            .map_err(|_| OcrError::Later(PROGRAM, "its answer could not be read".into()))?;
        if !code {
            return Err(OcrError::Unreadable(
                PROGRAM,
                "it ended with an error".into(),
            ));
        }
        Ok(page(&String::from_utf8_lossy(&answer)))
    }
}

/// The program, ended whatever happens to who waits for it.
struct Running(Child);

impl Running {
    fn wait(&mut self) -> Result<bool, OcrError> {
        let mut waited = Duration::ZERO;
        loop {
            match self.0.try_wait() {
                Ok(Some(status)) => return Ok(status.success()),
                Ok(None) if waited >= TIME => {
                    return Err(OcrError::Unreadable(
                        PROGRAM,
                        format!("it took more than {} s", TIME.as_secs()),
                    ));
                }
                Ok(None) => {
                    thread::sleep(STEP);
                    waited += STEP;
                }
                Err(error) => return Err(OcrError::Later(PROGRAM, error.to_string())),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already unless the time ran out.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Ocr for Tesseract {
    fn name(&self) -> &'static str {
        PROGRAM
    }

    fn read(&self, picture: Vec<u8>) -> Reading<'_> {
        let this = self.clone();
        Box::pin(async move {
            let read = tokio::task::spawn_blocking(move || this.run(&picture)).await;
            read.unwrap_or_else(|error| Err(OcrError::Later(PROGRAM, error.to_string())))
        })
    }
}

/// A page of Tesseract's table: a row per word with block, paragraph, line, confidence and text. The
/// page's confidence is the mean of its words', weighted by their letters.
fn page(table: &str) -> Page {
    let mut text = String::new();
    let (mut sum, mut letters) = (0u64, 0u64);
    let mut current = None;
    for row in table.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [
            _,
            _,
            block,
            paragraph,
            line,
            _,
            _,
            _,
            _,
            _,
            confidence,
            word,
        ] = columns.as_slice()
        else {
            continue;
        };
        let word = word.trim();
        // Rows of blocks and lines have no word and the confidence -1.
        let whole = confidence
            .split('.')
            .next()
            .and_then(|whole| whole.parse::<u64>().ok());
        let Some(confidence) = whole.filter(|_| !word.is_empty()) else {
            continue;
        };
        let here = Some((*block, *paragraph, *line));
        if here == current {
            text.push(' ');
        } else if current.is_some() {
            text.push('\n');
        }
        current = here;
        text.push_str(word);
        let length = u64::try_from(word.chars().count()).unwrap_or(0);
        sum += confidence.min(100) * length;
        letters += length;
    }
    let confidence = sum
        .checked_div(letters)
        .and_then(|mean| u8::try_from(mean).ok())
        .unwrap_or(0);
    Page { text, confidence }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n\
        1\t1\t0\t0\t0\t0\t0\t0\t640\t400\t-1\t\n\
        5\t1\t1\t1\t1\t1\t10\t10\t40\t12\t96.53\tNIK\n\
        5\t1\t1\t1\t1\t2\t60\t10\t10\t12\t91.2\t:\n\
        5\t1\t1\t1\t1\t3\t80\t10\t200\t12\t90\t3171015708450001\n\
        5\t1\t1\t1\t2\t1\t10\t40\t40\t12\t80\tNama\n\
        5\t1\t1\t1\t2\t2\t60\t40\t40\t12\t10\t \n";

    #[test]
    fn words_become_lines_and_confidence_is_weighted_by_letters() {
        let page = page(TABLE);
        assert_eq!(page.text, "NIK : 3171015708450001\nNama");
        assert_eq!(
            page.confidence,
            ((3 * 96 + 91 + 16 * 90 + 4 * 80) / 24) as u8
        );
        let nothing = super::page("level\n");
        assert_eq!((nothing.text.as_str(), nothing.confidence), ("", 0));
    }
}
