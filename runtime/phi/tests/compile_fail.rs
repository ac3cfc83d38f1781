//! What must not be done with patient data by accident does not compile.

#[test]
fn patient_data_is_not_shown_logged_or_stored_by_accident() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
