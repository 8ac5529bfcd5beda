//! What prompts look like.

/// What shells' prompts end with.
const ENDS: [char; 9] = ['$', '#', '%', '>', '❯', '➜', '»', 'λ', '→'];
/// The longest prompt that is guessed, in bytes.
const GUESS_LEN_MAX: usize = 160;

/// Whether it looks like a shell's, or another program's that takes commands.
pub(super) fn is_shell(prompt: &str) -> bool {
    prompt.trim_end().ends_with(ENDS)
}

/// Whether it asks for the rest of a command: `> `, `quote> `, and those of the clients of databases.
pub(super) fn continues(prompt: &str) -> bool {
    let prompt = prompt.trim();
    let Some(before) = prompt.strip_suffix('>') else { return false };
    before.len() <= 24 && before.chars().all(|c| c.is_ascii_lowercase() || c == ' ' || "-'\"`".contains(c))
}

/// Whether the row begins with one of those.
pub(super) fn begins_continued(row: &str) -> bool {
    row.split_once("> ").is_some_and(|(before, _)| continues(&format!("{before}>")))
}

/// Where what was entered begins, when nobody saw where: after the first thing that looks like a prompt.
pub(super) fn guess(row: &str) -> Option<usize> {
    let (at, char) = row.char_indices().take_while(|(at, _)| *at < GUESS_LEN_MAX).find(|(at, char)| {
        ENDS.contains(char)
            && row.get(at + char.len_utf8()..).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    })?;
    let after = at + char.len_utf8();
    Some(if row.get(after..).is_some_and(|rest| rest.starts_with(' ')) { after + 1 } else { after })
}
