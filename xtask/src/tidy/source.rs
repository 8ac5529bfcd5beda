//! A Rust file with everything blanked out that is not code, so that braces can be counted.

use super::Tree;

/// Every Rust file of the tree, told apart into product and test code.
pub(super) fn all(tree: &Tree) -> Vec<(&str, Source)> {
    let mut sources: Vec<(&str, Source)> = tree
        .sources()
        .map(|(path, text)| (path, Source::new(text, path.contains("/tests/") || path.starts_with("fuzz/"))))
        .collect();
    let mut test_files = Vec::new();
    for (path, source) in &sources {
        let folder = ["lib.rs", "main.rs"].iter().find_map(|root| path.strip_suffix(root)).map(str::to_owned);
        let folder = folder.unwrap_or_else(|| format!("{}/", path.trim_end_matches(".rs")));
        for module in source.test_modules() {
            test_files.push((format!("{folder}{module}.rs"), format!("{folder}{module}/")));
        }
    }
    for (path, source) in &mut sources {
        source.is_test |= test_files.iter().any(|(file, below)| path == file || path.starts_with(below.as_str()));
    }
    sources
}

/// One file.
pub(super) struct Source {
    /// Line for line as long as the original; comments, strings and characters are blank.
    lines: Vec<String>,
    /// Whether all of it is test code.
    is_test: bool,
}

/// A function and how long it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub name: String,
    /// The line of its signature, from 1.
    pub line: usize,
    /// Lines from the signature to the closing brace.
    pub lines: usize,
}

impl Source {
    pub(super) fn new(text: &str, is_test: bool) -> Self {
        Self { lines: blank(text).lines().map(str::to_owned).collect(), is_test }
    }

    /// The modules that are declared for tests only.
    fn test_modules(&self) -> Vec<&str> {
        let mut found = Vec::new();
        for pair in self.lines.windows(2) {
            if let [first, second] = pair
                && first.trim() == "#[cfg(test)]"
            {
                let declared = second.trim().trim_start_matches("pub(crate) ").strip_prefix("mod ");
                found.extend(declared.and_then(|rest| rest.strip_suffix(';')));
            }
        }
        found
    }

    /// The lines of product code with their numbers: without `#[cfg(test)]` modules.
    pub(super) fn product_lines(&self) -> Vec<(usize, &str)> {
        if self.is_test {
            return Vec::new();
        }
        let mut kept = Vec::new();
        let mut depth_of_test: Option<i64> = None;
        let mut armed = false;
        let mut depth = 0_i64;
        for (index, line) in self.lines.iter().enumerate() {
            if line.trim() == "#[cfg(test)]" {
                armed = true;
                continue;
            }
            let before = depth;
            depth += balance(line);
            if armed && line.contains('{') {
                depth_of_test = Some(before);
                armed = false;
            } else if armed && line.trim_end().ends_with(';') {
                armed = false;
                continue;
            }
            if depth_of_test.is_none() && !armed {
                kept.push((index + 1, line.as_str()));
            }
            if depth_of_test.is_some_and(|at| depth <= at) {
                depth_of_test = None;
            }
        }
        kept
    }

    /// The functions of the product code.
    pub(super) fn functions(&self) -> Vec<Function> {
        let lines = self.product_lines();
        let mut found = Vec::new();
        for (position, (number, line)) in lines.iter().enumerate() {
            let Some(name) = function_name(line) else { continue };
            let mut depth = 0_i64;
            let mut opened = false;
            for (last, line) in lines.iter().skip(position) {
                if !opened && line.contains(';') && !line.contains('{') {
                    break;
                }
                opened |= line.contains('{');
                depth += balance(line);
                if opened && depth <= 0 {
                    found.push(Function { name: name.to_owned(), line: *number, lines: last - number + 1 });
                    break;
                }
            }
        }
        found
    }
}

fn balance(line: &str) -> i64 {
    line.chars().map(|c| i64::from(c == '{') - i64::from(c == '}')).sum()
}

fn function_name(line: &str) -> Option<&str> {
    let mut words = line.trim_start();
    for modifier in ["pub(crate) ", "pub(super) ", "pub ", "const ", "async ", "extern \"C\" "] {
        words = words.strip_prefix(modifier).unwrap_or(words);
    }
    let rest = words.strip_prefix("fn ")?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    rest.get(..end)
}

/// Replaces what is in comments, strings and characters by blanks.
fn blank(text: &str) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(&c) = bytes.get(at) {
        let end = match c {
            '/' if bytes.get(at + 1) == Some(&'/') => until(&bytes, at, |i| bytes.get(i) == Some(&'\n')),
            '/' if bytes.get(at + 1) == Some(&'*') => block_comment(&bytes, at),
            '"' => string(&bytes, at + 1),
            'r' | 'b' if is_raw_string(&bytes, at) => raw_string(&bytes, at),
            '\'' => character(&bytes, at),
            _ => at,
        };
        if end == at {
            out.push(c);
            at += 1;
            continue;
        }
        out.extend(bytes.get(at..end).into_iter().flatten().map(|c| if *c == '\n' { '\n' } else { ' ' }));
        at = end;
    }
    out
}

fn until(text: &[char], from: usize, stop: impl Fn(usize) -> bool) -> usize {
    (from..text.len()).find(|i| stop(*i)).unwrap_or(text.len())
}

fn block_comment(text: &[char], from: usize) -> usize {
    let mut depth = 0;
    let mut at = from;
    while at < text.len() {
        match (text.get(at), text.get(at + 1)) {
            (Some('/'), Some('*')) => (depth, at) = (depth + 1, at + 2),
            (Some('*'), Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// The end of a string whose opening quote is before `from`.
fn string(text: &[char], from: usize) -> usize {
    let mut at = from;
    while let Some(c) = text.get(at) {
        match c {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

fn is_raw_string(text: &[char], from: usize) -> bool {
    let word_before = from.checked_sub(1).and_then(|i| text.get(i)).is_some_and(|c| c.is_alphanumeric() || *c == '_');
    let mut at = from + usize::from(text.get(from) == Some(&'b'));
    if word_before || text.get(at) != Some(&'r') {
        return false;
    }
    at += 1;
    while text.get(at) == Some(&'#') {
        at += 1;
    }
    text.get(at) == Some(&'"')
}

fn raw_string(text: &[char], from: usize) -> usize {
    let quote = until(text, from, |i| text.get(i) == Some(&'"'));
    let hashes = text.get(from..quote).into_iter().flatten().filter(|c| **c == '#').count();
    let mut at = quote + 1;
    while at < text.len() {
        if text.get(at) == Some(&'"') && (1..=hashes).all(|i| text.get(at + i) == Some(&'#')) {
            return at + 1 + hashes;
        }
        at += 1;
    }
    text.len()
}

/// The end of a character; a lifetime is none and ends where it begins.
fn character(text: &[char], from: usize) -> usize {
    match (text.get(from + 1), text.get(from + 2)) {
        (Some('\\'), _) => until(text, from + 3, |i| text.get(i) == Some(&'\'')) + 1,
        (Some(_), Some('\'')) => from + 3,
        _ => from,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_that_are_not_code_do_not_count() {
        let text = "fn a() {\n    let x = \"{{{\"; // }\n    let y = '{'; /* } */\n    r#\"}\"#;\n}\nfn b<'a>(x: &'a u8) { }\n";
        let found = Source::new(text, false).functions();
        let found: Vec<_> = found.iter().map(|f| (f.name.as_str(), f.line, f.lines)).collect();
        assert_eq!(found, [("a", 1, 5), ("b", 6, 1)]);
    }

    #[test]
    fn test_modules_are_left_out() {
        let text = "fn a() {\n}\n#[cfg(test)]\nmod tests {\n    fn t() {\n    }\n}\npub async fn b() {\n}\n";
        let names: Vec<_> = Source::new(text, false).functions().into_iter().map(|f| f.name).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn declarations_without_a_body_are_no_functions() {
        let text = "trait T {\n    fn a(&self)\n        -> u8;\n    fn b(&self) {\n    }\n}\n";
        let names: Vec<_> = Source::new(text, false).functions().into_iter().map(|f| f.name).collect();
        assert_eq!(names, ["b"]);
    }
}
