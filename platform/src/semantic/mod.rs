//! Search by meaning: the vectors of texts, what stands nearest to a question, and what is said of a document in short. A model makes
//! vectors and summaries; here they are kept and compared. Whoever asks finds what row-level security lets them see: a vector is seen
//! with the text it was made of, and ends with it.

mod ends;

use serde_json::{Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::db::Tx;
use crate::ids::new_id;
use crate::refusal::{INVALID, Refusal};
use crate::values::bound;

pub use ends::{Embeddings, Ended};

/// Numbers of a vector (N4.20); the tables and the index have as many.
pub const DIMENSIONS: usize = 1_536;

/// A hit is more similar than this: cosine (N4.35).
pub const SIMILARITY_ABOVE: f64 = 0.75;

/// Most hits (N4.35).
pub const HITS_MAX: i32 = 10;

/// Longest name of a model, and of its version, characters.
pub const MODEL_CHARS_MAX: usize = 100;

/// The meaning of a text: a direction, so of length one.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding(Vec<f32>);

impl Embedding {
    /// The direction of what a model answered.
    ///
    /// # Errors
    /// Too few or too many numbers, one that is none, or zeros alone.
    pub fn new(numbers: &[f32]) -> Result<Self, Refusal> {
        if numbers.len() != DIMENSIONS {
            let detail = format!("{} numbers came, {DIMENSIONS} are one", numbers.len());
            return Err(INVALID.field("embedding", detail));
        }
        let squares = numbers.iter().map(|x| f64::from(*x) * f64::from(*x));
        let length = squares.sum::<f64>().sqrt();
        if !length.is_finite() || length == 0.0 {
            return Err(INVALID.field("embedding", "it has no direction"));
        }
        let scaled = numbers.iter().map(|x| (f64::from(*x) / length) as f32);
        Ok(Self(scaled.collect()))
    }

    /// Its numbers.
    pub fn numbers(&self) -> &[f32] {
        &self.0
    }
}

/// What a vector was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A document, and the version that was read.
    Document {
        /// Its key.
        id: Uuid,
        /// Counts changes of its text.
        version: i32,
    },
    /// A follow-up task.
    Task {
        /// Its key.
        id: Uuid,
    },
}

impl Source {
    /// Name in the database, key, version.
    fn parts(self) -> (&'static str, Uuid, Option<i32>) {
        match self {
            Source::Document { id, version } => ("document", id, Some(version)),
            Source::Task { id } => ("task", id, None),
        }
    }
}

/// Which model made a vector: vectors of two models have nothing to say to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
}

/// Keeps the vector of a source that has none; false when it has one, was changed since, or is not seen. For the assistant too.
///
/// # Errors
/// A model's name or version that is empty or long, or the database.
pub fn keep(
    tx: &mut Tx<'_>,
    made: Ts,
    source: Source,
    embedding: &Embedding,
    model: Model<'_>,
) -> Result<bool, Refusal> {
    let fits = |text: &str| (1..=MODEL_CHARS_MAX).contains(&text.chars().count());
    if !fits(model.name) || !fits(model.version) {
        let detail = format!("name and version have 1 to {MODEL_CHARS_MAX} characters");
        return Err(INVALID.field("model", detail));
    }
    let (kind, id, version) = source.parts();
    let kept = tx.execute(
        // Without a target the conflict needs no right to read.
        sqlx::query(
            "INSERT INTO ai_embeddings (id, org_id, source_id, source_type, source_version, embedding, metadata, created_at)
             SELECT $1::uuid, s.org_id, $2::uuid, $3::text, $7::integer, $4::real[], $5::jsonb, $6::timestamptz
             FROM (SELECT app_ai_source($3::text, $2::uuid) AS org_id) AS s
             WHERE s.org_id IS NOT NULL AND ($7::integer IS NULL OR EXISTS (
                 SELECT FROM mv_ai_document_context AS d WHERE d.document_id = $2::uuid AND d.version = $7::integer))
             ON CONFLICT DO NOTHING",
        )
        .bind(new_id(made))
        .bind(id)
        .bind(kind)
        .bind(&embedding.0)
        .bind(json!({"model": model.name, "version": model.version}))
        .bind(bound(made))
        .bind(version),
    )?;
    Ok(kept == 1)
}

/// Keeps what is said of a document in short, and what else a model found in it; false when it was changed since, or is not the
/// writer's to change. For the assistant too.
///
/// # Errors
/// The database, which takes objects of at most 10,000 bytes.
pub fn summarise(
    tx: &mut Tx<'_>,
    document: Uuid,
    version: i32,
    summary: &Value,
    metadata: &Value,
) -> Result<bool, Refusal> {
    let changed = tx.execute(
        sqlx::query(
            "UPDATE documents SET ai_summary = $3::jsonb, ai_metadata = $4::jsonb WHERE id = $1::uuid AND version = $2::integer",
        )
        .bind(document)
        .bind(version)
        .bind(summary)
        .bind(metadata),
    )?;
    Ok(changed == 1)
}

/// Something of a similar meaning.
#[derive(Clone, Debug, PartialEq)]
pub struct Near {
    /// `document` or `task`.
    pub source: String,
    /// Its key.
    pub id: Uuid,
    /// Cosine with the question.
    pub similarity: f64,
}

/// The texts of an organisation that are nearest to what is asked, nearest first: at most [`HITS_MAX`], each more similar than
/// [`SIMILARITY_ABOVE`], of those that the user of the transaction sees. `model` is the one that made `asked`.
///
/// # Errors
/// The database.
pub fn nearest(
    tx: &mut Tx<'_>,
    org: Uuid,
    model: &str,
    asked: &Embedding,
) -> Result<Vec<Near>, Refusal> {
    let rows: Vec<(String, Uuid, f64)> = tx.all(
        sqlx::query_as(
            "SELECT source_type, source_id, similarity FROM ai_nearest($1::real[], $2::uuid, $3::text, $4::double precision, $5::integer)",
        )
        .bind(&asked.0)
        .bind(org)
        .bind(model)
        .bind(SIMILARITY_ABOVE)
        .bind(HITS_MAX),
    )?;
    let near = rows.into_iter().map(|(source, id, similarity)| Near {
        source,
        id,
        similarity,
    });
    Ok(near.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_has_its_numbers_and_a_direction() {
        let mut numbers = vec![0.0; DIMENSIONS];
        assert!(Embedding::new(&numbers).is_err(), "nowhere");
        numbers[3] = 4.0;
        numbers[7] = -3.0;
        let embedding = Embedding::new(&numbers).expect("a direction");
        assert_eq!(
            (embedding.numbers()[3], embedding.numbers()[7]),
            (0.8, -0.6)
        );
        for wrong in [f32::NAN, f32::INFINITY] {
            numbers[0] = wrong;
            assert!(Embedding::new(&numbers).is_err(), "{wrong}");
        }
        assert!(Embedding::new(&[1.0]).is_err(), "too short");
    }
}
