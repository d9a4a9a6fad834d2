-- An address that a person wants to have in place of the present one stands, sealed, beside the code that was sent there. It is theirs when the
-- code comes back, and goes with the code otherwise.
ALTER TABLE sent_codes ADD COLUMN value_sealed bytea;
ALTER TABLE sent_codes DROP CONSTRAINT sent_codes_purpose_check;
ALTER TABLE sent_codes ADD CONSTRAINT sent_codes_purpose_check
    CHECK (purpose IN ('confirm_email', 'confirm_phone', 'mfa_email', 'mfa_sms', 'password', 'new_email'));
