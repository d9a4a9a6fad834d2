//! A multipart upload, read part by part within its limits. Names of files and types that the sender
//! gives are not looked at.

use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::StatusCode;
use sha2::{Digest, Sha256};
use siaga_platform::kyc::document::Kind;
use siaga_platform::kyc::image::{FILE_BYTES_MAX, too_large};
use siaga_platform::kyc::{FILES_MAX, File};
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::{
    ArrayBuilder, KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type,
};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::gateway::error::{ApiError, Fault};
use crate::gateway::server::App;

/// Bytes of a whole upload: its files, and the heads of its parts.
pub const UPLOAD_BYTES_MAX: usize = FILES_MAX * FILE_BYTES_MAX + 64 * 1024;

/// Bytes of a part that is no file: the name of a type, or a key.
const WORD_BYTES_MAX: usize = 64;

/// Parts of an upload: a file and a type for each document, and a key.
const PARTS_MAX: usize = 2 * FILES_MAX + 1;

/// What was sent.
pub struct Upload {
    /// Whose documents they are, when not the caller's.
    pub client: Option<Uuid>,
    /// The files in their order.
    pub files: Vec<File>,
}

impl Upload {
    /// What makes two uploads the same.
    pub fn digests(&self) -> Vec<(Option<Uuid>, Option<&'static str>, String)> {
        let hex = |bytes: &[u8]| {
            Sha256::digest(bytes)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        self.files
            .iter()
            .map(|file| (self.client, file.kind.map(Kind::name), hex(&file.bytes)))
            .collect()
    }
}

/// Described by hand: it is read part by part, and names of parts have brackets.
impl PartialSchema for Upload {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let format = |known| Some(SchemaFormat::KnownFormat(known));
        let file = || text().format(format(KnownFormat::Binary));
        let kind = text().enum_values(Some(Kind::ALL.map(Kind::name)));
        let at_most =
            |items: ObjectBuilder| ArrayBuilder::new().items(items).max_items(Some(FILES_MAX));
        let files = at_most(file()).description(Some(
            "JPEG or PNG, a selfie JPEG alone, 5 MB each, at most 5 with those under the name of their type.",
        ));
        let types = at_most(kind).description(Some(
            "One for each of files[], in their order; without them each is what is missing next.",
        ));
        let user = text()
            .format(format(KnownFormat::Uuid))
            .description(Some("Whose documents they are, when not the caller's."));
        let form = ObjectBuilder::new()
            .property("files[]", files)
            .property("document_types[]", types)
            .property("user_id", user);
        let form = Kind::ALL.into_iter().fold(form, |form, kind| {
            form.property(
                kind.name(),
                file().description(Some("The file of this type.")),
            )
        });
        form.additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
            .description(Some("Documents, and what they are."))
            .into()
    }
}

impl ToSchema for Upload {}

impl FromRequest<App> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let form = Multipart::from_request(request, app).await;
        let mut form = form.map_err(|_| {
            ApiError::field("Content-Type", "send multipart/form-data with a boundary")
        })?;
        let (mut client, mut types, mut files, mut parts) = (None, Vec::new(), Vec::new(), 0);
        while let Some(field) = form.next_field().await.map_err(broken)? {
            parts += 1;
            if parts > PARTS_MAX {
                return Err(ApiError::field(
                    "files[]",
                    format!("send at most {FILES_MAX} files and their types"),
                ));
            }
            let name = field
                .name()
                .unwrap_or_default()
                .trim_end_matches("[]")
                .to_owned();
            match name.as_str() {
                "files" | "file" => files.push(File {
                    kind: None,
                    bytes: bytes(field, FILE_BYTES_MAX).await?,
                }),
                "document_types" | "document_type" => types.push(kind(&word(field).await?)?),
                "user_id" => {
                    let id = Uuid::try_parse(word(field).await?.trim());
                    client = Some(
                        id.map_err(|_| ApiError::field("user_id", "this is no key of a user"))?,
                    );
                }
                other => {
                    let kind = Kind::parse(other).ok_or_else(|| {
                        ApiError::field("files[]", "a part has a name that is not documented")
                    })?;
                    files.push(File {
                        kind: Some(kind),
                        bytes: bytes(field, FILE_BYTES_MAX).await?,
                    });
                }
            }
        }
        typed(&mut files, types)?;
        Ok(Upload { client, files })
    }
}

/// Gives the types to the files that came without one, in order.
fn typed(files: &mut [File], types: Vec<Kind>) -> Result<(), ApiError> {
    let mut bare: Vec<&mut File> = files
        .iter_mut()
        .filter(|file| file.kind.is_none())
        .collect();
    if types.is_empty() {
        return Ok(());
    }
    if types.len() != bare.len() {
        return Err(ApiError::field(
            "document_types[]",
            "send one type for each of files[], in the same order",
        ));
    }
    for (file, kind) in bare.iter_mut().zip(types) {
        file.kind = Some(kind);
    }
    Ok(())
}

fn kind(name: &str) -> Result<Kind, ApiError> {
    let known = Kind::ALL.map(Kind::name).join(", ");
    Kind::parse(name.trim())
        .ok_or_else(|| ApiError::field("document_types[]", format!("use one of {known}")))
}

/// A part of at most `limit` bytes: one byte more, and the rest is not waited for.
async fn bytes(mut field: Field<'_>, limit: usize) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        if bytes.len() + chunk.len() > limit {
            return Err(too_large().into());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn word(mut field: Field<'_>) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        if bytes.len() + chunk.len() > WORD_BYTES_MAX {
            return Err(ApiError::field(
                "document_types[]",
                "a part that is no file is too long",
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes)
        .map_err(|_| ApiError::field("document_types[]", "a part that is no file must be text"))
}

fn broken(error: MultipartError) -> ApiError {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large().into(),
        _ => ApiError::new(
            Fault::BadField,
            "the form is broken or ended early; send it again",
        ),
    }
}
