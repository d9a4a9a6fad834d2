//! A borrowed JSON reader for venue frames: walks members and elements in place, allocates nothing.
//!
//! It checks what it needs to stay on its feet (quotes, brackets, separators) and hands out raw slices; escapes in
//! strings are stepped over, not resolved, because no symbol and no number has one.

/// The bytes are not JSON where they were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// A value, still as it was sent. Objects and arrays come with their brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    Text(&'a [u8]),
    /// A number, `true`, `false` or `null`.
    Bare(&'a [u8]),
    Object(&'a [u8]),
    Array(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The characters of a number, whether it was sent bare or quoted.
    pub fn number(self) -> Option<&'a [u8]> {
        match self {
            Value::Text(bytes) | Value::Bare(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub fn text(self) -> Option<&'a [u8]> {
        match self {
            Value::Text(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub fn whole(self) -> Option<u64> {
        whole(self.number()?)
    }

    pub fn flag(self) -> Option<bool> {
        match self {
            Value::Bare(b"true") => Some(true),
            Value::Bare(b"false") => Some(false),
            _ => None,
        }
    }
}

/// An unsigned whole number; `None` when it is anything else or does not fit.
pub fn whole(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    let mut value = 0u64;
    for digit in text {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + u64::from(digit - b'0');
    }
    Some(value)
}

/// An object being walked: `key`, then either `value` or, to read the value in place, `here` and `resume`.
///
/// As an iterator it yields keys with their values.
pub struct Members<'a> {
    bytes: &'a [u8],
    at: usize,
    done: bool,
}

/// The elements of an array, in order.
pub struct Elements<'a> {
    bytes: &'a [u8],
    at: usize,
    done: bool,
}

/// Walks an object; `bytes` starts with its brace, white space before it is allowed, anything may follow it.
#[inline]
pub fn members(bytes: &[u8]) -> Result<Members<'_>, Malformed> {
    let at = skip_space(bytes, 0);
    if bytes.get(at) != Some(&b'{') {
        return Err(Malformed);
    }
    let at = skip_space(bytes, at + 1);
    let done = bytes.get(at) == Some(&b'}');
    Ok(Members {
        bytes,
        at: at + usize::from(done),
        done,
    })
}

/// Walks an array.
pub fn elements(bytes: &[u8]) -> Result<Elements<'_>, Malformed> {
    let at = skip_space(bytes, 0);
    if bytes.get(at) != Some(&b'[') {
        return Err(Malformed);
    }
    let at = skip_space(bytes, at + 1);
    let done = bytes.get(at) == Some(&b']');
    Ok(Elements {
        bytes,
        at: at + usize::from(done),
        done,
    })
}

impl<'a> Members<'a> {
    /// The next key; its value must be taken before the next call. `None` = the object is over.
    #[inline]
    pub fn key(&mut self) -> Option<Result<&'a [u8], Malformed>> {
        if self.done {
            return None;
        }
        let key = string(self.bytes, self.at).and_then(|(key, at)| {
            let at = skip_space(self.bytes, at);
            if self.bytes.get(at) != Some(&b':') {
                return Err(Malformed);
            }
            self.at = skip_space(self.bytes, at + 1);
            Ok(key)
        });
        Some(key)
    }

    /// The value behind the key just read.
    #[inline]
    pub fn value(&mut self) -> Result<Value<'a>, Malformed> {
        let (value, at) = value(self.bytes, self.at)?;
        (self.at, self.done) = separator(self.bytes, at, b'}')?;
        Ok(value)
    }

    /// Everything from the value behind the key just read.
    #[inline]
    pub fn here(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// Goes on at `rest`, what is left of `here` behind a value read in place.
    #[inline]
    pub fn resume(&mut self, rest: &'a [u8]) -> Result<(), Malformed> {
        let at = self.bytes.len() - rest.len();
        (self.at, self.done) = separator(self.bytes, at, b'}')?;
        Ok(())
    }

    /// What stands behind the object, once it is over.
    #[inline]
    pub fn rest(&self) -> Option<&'a [u8]> {
        self.done.then(|| &self.bytes[self.at..])
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Result<(&'a [u8], Value<'a>), Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let member = self.key()?.and_then(|key| Ok((key, self.value()?)));
        if member.is_err() {
            // A broken object has no further members and no end.
            self.bytes = &[];
            self.at = 0;
            self.done = true;
        }
        Some(member)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Value<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let element = self.element();
        self.done |= element.is_err();
        Some(element)
    }
}

impl<'a> Elements<'a> {
    fn element(&mut self) -> Result<Value<'a>, Malformed> {
        let (value, at) = value(self.bytes, self.at)?;
        (self.at, self.done) = separator(self.bytes, at, b']')?;
        Ok(value)
    }
}

/// Reads the objects of an array in place, one pass over the bytes: `visit` walks each; `None` is an element that is
/// no object. An object that `visit` leaves early or that is broken inside is stepped over by its brackets. Returns
/// what stands behind the array.
///
/// # Errors
/// [`Malformed`] when the brackets do not match: the rest cannot be found.
pub fn each_object<'a>(
    array: &'a [u8],
    mut visit: impl FnMut(Option<&mut Members<'a>>),
) -> Result<&'a [u8], Malformed> {
    if array.first() != Some(&b'[') {
        return Err(Malformed);
    }
    let mut at = skip_space(array, 1);
    let mut done = array.get(at) == Some(&b']');
    if done {
        return Ok(&array[at + 1..]);
    }
    while !done {
        let end = match members(&array[at..]) {
            Ok(mut object) => {
                visit(Some(&mut object));
                match object.rest() {
                    Some(rest) if !rest.is_empty() => array.len() - rest.len(),
                    _ => balanced(array, at)?,
                }
            }
            Err(Malformed) => {
                let end = value(array, at)?.1;
                visit(None);
                end
            }
        };
        (at, done) = separator(array, end, b']')?;
    }
    Ok(&array[at..])
}

/// Behind a value: a comma and more, or the end.
#[inline(always)]
fn separator(bytes: &[u8], at: usize, end: u8) -> Result<(usize, bool), Malformed> {
    let at = skip_space(bytes, at);
    match bytes.get(at) {
        Some(b',') => Ok((skip_space(bytes, at + 1), false)),
        Some(byte) if *byte == end => Ok((at + 1, true)),
        _ => Err(Malformed),
    }
}

#[inline]
fn value(bytes: &[u8], at: usize) -> Result<(Value<'_>, usize), Malformed> {
    match bytes.get(at) {
        Some(b'"') => string(bytes, at).map(|(text, end)| (Value::Text(text), end)),
        Some(b'{') => balanced(bytes, at).map(|end| (Value::Object(&bytes[at..end]), end)),
        Some(b'[') => balanced(bytes, at).map(|end| (Value::Array(&bytes[at..end]), end)),
        Some(_) => {
            let bare =
                |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
            let length = bytes[at..].iter().take_while(|byte| bare(byte)).count();
            if length == 0 {
                return Err(Malformed);
            }
            Ok((Value::Bare(&bytes[at..at + length]), at + length))
        }
        None => Err(Malformed),
    }
}

/// The inside of a string that starts at `at`, and where it ends.
#[inline]
fn string(bytes: &[u8], at: usize) -> Result<(&[u8], usize), Malformed> {
    if bytes.get(at) != Some(&b'"') {
        return Err(Malformed);
    }
    let start = at + 1;
    let mut at = start;
    loop {
        let length = bytes
            .get(at..)
            .ok_or(Malformed)?
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\'));
        at += length.ok_or(Malformed)?;
        if bytes[at] == b'"' {
            return Ok((&bytes[start..at], at + 1));
        }
        // An escape takes the next byte with it.
        at += 2;
    }
}

/// The end of the object or array that starts at `at`: counts brackets outside strings, whatever their nesting.
fn balanced(bytes: &[u8], mut at: usize) -> Result<usize, Malformed> {
    let mut depth = 0usize;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = string(bytes, at)?.1;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Ok(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    Err(Malformed)
}

#[inline(always)]
fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Result<Vec<String>, Malformed> {
        members(text.as_bytes())?
            .map(|member| member.map(|(key, _)| String::from_utf8_lossy(key).into_owned()))
            .collect()
    }

    #[test]
    fn members_are_walked_over_nests_and_escapes() {
        let text = r#" { "a" : "x\"}{" , "b":[{"c":[1,2]},"]"],"d":-1.5e-3,"e":{},"f":null }"#;
        assert_eq!(keys(text).unwrap(), ["a", "b", "d", "e", "f"]);
        assert_eq!(keys("{}").unwrap(), Vec::<String>::new());
        let values: Vec<_> = elements(b"[1,\"x\",[2],{}]")
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(values[2], Value::Array(b"[2]"));
        assert_eq!(values.len(), 4);
    }

    #[test]
    fn objects_of_an_array_stand_alone() {
        let text = br#"[ {"a":1}, 7, {"b" 1}, {"c":{"d":"}"}} ,{"e":x y}] , tail"#;
        let mut seen = Vec::new();
        let rest = each_object(text, |object| match object {
            Some(object) => seen.push(object.map(|member| member.is_ok()).collect::<Vec<_>>()),
            None => seen.push(Vec::new()),
        });
        assert_eq!(rest, Ok(&b" , tail"[..]));
        assert_eq!(
            seen,
            [vec![true], vec![], vec![false], vec![true], vec![false]]
        );
        assert_eq!(each_object(b"[] x", |_| panic!("empty")), Ok(&b" x"[..]));
        assert!(each_object(b"[{", |_| {}).is_err());
        assert!(each_object(b"[{}", |_| {}).is_err());
    }

    #[test]
    fn broken_json_is_an_error_and_the_walk_ends() {
        for text in [
            "",
            "[",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":\"x",
            "{\"a\":[1,{]",
            "{a:1}",
            "{\"a\" 1}",
            "{\"a\":}",
        ] {
            assert!(keys(text).is_err(), "{text}");
        }
        assert_eq!(whole(b"99999999999999999999"), None);
        assert_eq!(whole(b"-1"), None);
        assert_eq!(whole(b"18014398509481984"), Some(1 << 54));
    }
}
