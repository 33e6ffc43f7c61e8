//! What Label Studio makes of the names of files that are uploaded to it.

/// The name as it was before the upload: `b.png` of `/data/upload/4/cb0618f6-b.png`. Label Studio puts eight digits of a
/// UUID and a hyphen before it. `None` if the name has no such beginning.
///
/// # Examples
/// ```
/// use cyborg_saliency::uploaded_name;
/// assert_eq!(uploaded_name(r"..\media\upload\4\cb0618f6-b.png"), Some("b.png"));
/// assert_eq!(uploaded_name("images/cb0618f6.png"), None);
/// ```
pub fn uploaded_name(path: &str) -> Option<&str> {
    let name = path.rsplit(['/', '\\']).next()?;
    let (digits, original) = name.split_at_checked(8)?;
    let original = original.strip_prefix('-').filter(|original| !original.is_empty())?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    digits.bytes().all(is_digit).then_some(original)
}
