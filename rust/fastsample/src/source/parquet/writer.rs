//! Bugs of Parquet writers, told by the name that they leave in a footer.

/// Whether pages of version 2 are compressed although their headers say that they are not.
///
/// parquet-cpp did so before version 2.0.0 (ARROW-10353).
pub(super) fn compresses_all(created_by: &str) -> bool {
    let Some(version) = created_by.strip_prefix("parquet-cpp version ") else { return false };
    let major = version.split('.').next().unwrap_or_default();
    major.parse::<u32>().is_ok_and(|major| major < 2)
}

#[cfg(test)]
mod tests {
    use super::compresses_all;

    #[test]
    fn only_old_versions_of_one_writer_do() {
        assert!(compresses_all("parquet-cpp version 1.5.1-SNAPSHOT"));
        assert!(!compresses_all("parquet-cpp-arrow version 1.0.1"));
        assert!(!compresses_all("parquet-cpp version 2.0.0"));
        assert!(!compresses_all("parquet-mr version 1.12.0 (build abc)"));
        assert!(!compresses_all(""));
    }
}
