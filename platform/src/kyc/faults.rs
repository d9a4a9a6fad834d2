//! What KYC refuses, by number.

use crate::refusal::{Fault, Kind};

/// A file above the limit.
pub const FILE_TOO_LARGE: Fault = Fault::new(
    11_300,
    "document_too_large",
    "The file is too large",
    Kind::TooLarge,
);
/// Neither JPEG nor PNG, or not the type that this document must have.
pub const FILE_TYPE: Fault = Fault::new(
    11_301,
    "document_type_refused",
    "This kind of file is not accepted",
    Kind::BadType,
);
/// It begins as an image and is none.
pub const FILE_BROKEN: Fault = Fault::new(
    11_302,
    "document_unreadable",
    "The image cannot be read",
    Kind::Invalid,
);
/// More pixels than a photo of a document has.
pub const FILE_PIXELS: Fault = Fault::new(
    11_303,
    "document_pixels",
    "The image has too many or too few pixels",
    Kind::Invalid,
);
/// No file, too many, or types that do not fit them.
pub const UPLOAD_FORM: Fault = Fault::new(
    11_304,
    "upload_form",
    "The upload has another form than documented",
    Kind::Invalid,
);
/// The same picture was handed in before in this case.
pub const SAME_DOCUMENT: Fault = Fault::new(
    11_305,
    "document_seen",
    "This very picture was handed in before",
    Kind::Conflict,
);
/// The case takes no documents in its state.
pub const NOT_OPEN: Fault = Fault::new(
    11_306,
    "kyc_not_open",
    "The case takes no documents now",
    Kind::Conflict,
);
/// Three failed attempts.
pub const BLOCKED: Fault = Fault::new(11_307, "kyc_blocked", "The case is blocked", Kind::Conflict);
/// The case is not in a state in which this can be decided.
pub const NOT_IN_REVIEW: Fault = Fault::new(
    11_308,
    "kyc_not_in_review",
    "The case is not in that state",
    Kind::Conflict,
);
/// A finding stands that forbids approval.
pub const BARRED: Fault = Fault::new(
    11_309,
    "kyc_barred",
    "A finding forbids the approval",
    Kind::Conflict,
);
/// Documents are missing.
pub const INCOMPLETE: Fault = Fault::new(
    11_310,
    "kyc_incomplete",
    "Documents are missing",
    Kind::Conflict,
);
/// This person decided about this attempt already.
pub const REVIEWED: Fault = Fault::new(
    11_311,
    "kyc_reviewed",
    "You decided about this attempt already",
    Kind::Conflict,
);
/// A dispute is open.
pub const DISPUTED: Fault = Fault::new(11_312, "kyc_disputed", "A dispute is open", Kind::Conflict);
/// There is nothing to dispute, or it is resolved.
pub const NO_DISPUTE: Fault = Fault::new(
    11_313,
    "kyc_no_dispute",
    "There is nothing to dispute or to resolve",
    Kind::Conflict,
);
/// The address of a document is too old or was changed.
pub const LINK_EXPIRED: Fault = Fault::new(
    11_314,
    "document_link",
    "The address of the document is not valid any more",
    Kind::Forbidden,
);
/// The store of documents does not answer, or holds something else than was put in.
pub const STORE: Fault = Fault::new(
    11_315,
    "document_store",
    "Documents cannot be stored or read now",
    Kind::Unavailable,
);
/// Uploads at once.
pub const BUSY: Fault = Fault::new(
    11_316,
    "upload_busy",
    "Too many uploads at the same time",
    Kind::TooMany,
);
/// Masked sight has no images.
pub const MASKED: Fault = Fault::new(
    11_317,
    "document_masked",
    "Your role sees documents masked",
    Kind::Forbidden,
);
/// A field that a person typed cannot be.
pub const FIELD: Fault = Fault::new(
    11_318,
    "document_field",
    "A field of the document cannot be right",
    Kind::Invalid,
);
/// The lists of sanctions were not looked through for this client.
pub const NOT_SCREENED: Fault = Fault::new(
    11_319,
    "kyc_not_screened",
    "The client was not looked up on the lists of sanctions yet",
    Kind::Conflict,
);
/// The platform has its own cause for the review of an account.
pub const UNDER_REVIEW: Fault = Fault::new(
    11_320,
    "account_under_review",
    "The account stays under review",
    Kind::Conflict,
);

/// All of KYC's faults.
pub const ALL: &[Fault] = &[
    FILE_TOO_LARGE,
    FILE_TYPE,
    FILE_BROKEN,
    FILE_PIXELS,
    UPLOAD_FORM,
    SAME_DOCUMENT,
    NOT_OPEN,
    BLOCKED,
    NOT_IN_REVIEW,
    BARRED,
    INCOMPLETE,
    REVIEWED,
    DISPUTED,
    NO_DISPUTE,
    LINK_EXPIRED,
    STORE,
    BUSY,
    MASKED,
    FIELD,
    NOT_SCREENED,
    UNDER_REVIEW,
];
