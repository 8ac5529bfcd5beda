//! The type that reports are set in: how wide a text is, and where its lines break.

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider as _};

use crate::Error;

/// What stands for a character that the face does not have.
const MISSING: char = '\u{fffd}';

/// A face. Only the characters that are used end up in the file.
pub(super) struct TypeFace {
    pub(super) font: Font,
    source: FontRef<'static>,
    units: f32,
}

impl TypeFace {
    pub(super) fn regular() -> Result<Self, Error> {
        Self::of(dejavu::sans_condensed::regular())
    }

    pub(super) fn bold() -> Result<Self, Error> {
        Self::of(dejavu::sans_condensed::bold())
    }

    fn of(bytes: &'static [u8]) -> Result<Self, Error> {
        let font = Font::new(bytes.into(), 0).ok_or_else(|| Error::Pdf("the type face cannot be read".to_owned()))?;
        let source = FontRef::new(bytes).map_err(|error| Error::Pdf(error.to_string()))?;
        let units = font.units_per_em();
        Ok(Self { font, source, units })
    }

    /// The text with only what the face has: what breaks lines or is not to be seen becomes a blank.
    pub(super) fn clean(&self, text: &str) -> String {
        let map = self.source.charmap();
        let known = |c: char| {
            if c.is_control() {
                ' '
            } else if map.map(c).is_some() {
                c
            } else {
                MISSING
            }
        };
        text.chars().map(known).collect()
    }

    /// The glyphs of a clean text, in order, their advances as parts of the size.
    pub(super) fn glyphs(&self, text: &str) -> Vec<KrillaGlyph> {
        let (map, metrics) =
            (self.source.charmap(), self.source.glyph_metrics(Size::unscaled(), LocationRef::default()));
        let glyph = |(at, c): (usize, char)| {
            let id = map.map(c)?;
            let advance = metrics.advance_width(id).unwrap_or_default() / self.units;
            Some(KrillaGlyph::new(GlyphId::new(id.to_u32()), advance, 0.0, 0.0, 0.0, at..at + c.len_utf8(), None))
        };
        text.char_indices().filter_map(glyph).collect()
    }

    /// How wide a clean text is at `size`.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        self.glyphs(text).iter().map(|glyph| glyph.x_advance * size).sum()
    }

    /// The text in lines that are no wider than `width`, at most `lines_max`; the last ends in an ellipsis where
    /// there is more. A word that is too long is cut.
    pub(super) fn wrap(&self, text: &str, size: f32, width: f32, lines_max: usize) -> Vec<String> {
        let mut lines = vec![String::new()];
        for word in self.clean(text).split_whitespace() {
            let mut word = word;
            loop {
                let line = lines.last_mut().map(std::mem::take).unwrap_or_default();
                let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
                if self.width(&joined, size) <= width {
                    put(&mut lines, joined);
                    break;
                }
                if line.is_empty() {
                    let fits = self.fitting(word, size, width);
                    let (head, tail) = word.split_at(fits);
                    put(&mut lines, head.to_owned());
                    if tail.is_empty() {
                        break;
                    }
                    word = tail;
                } else {
                    put(&mut lines, line);
                }
                lines.push(String::new());
            }
        }
        if lines.len() > lines_max {
            lines.truncate(lines_max.max(1));
            if let Some(last) = lines.last_mut() {
                while self.width(&format!("{last}…"), size) > width && last.pop().is_some() {}
                last.push('…');
            }
        }
        lines
    }

    /// How many bytes of a word fit, at least its first character; better after a sign at which one may break.
    fn fitting(&self, word: &str, size: f32, width: f32) -> usize {
        let (mut used, mut fits, mut better) = (0.0, 0, None);
        for glyph in self.glyphs(word) {
            used += glyph.x_advance * size;
            if used > width && fits > 0 {
                return better.unwrap_or(fits);
            }
            fits = glyph.text_range.end;
            if word.get(glyph.text_range).is_some_and(|sign| matches!(sign, "/" | "_" | "-" | "." | "@" | ":")) {
                better = Some(fits);
            }
        }
        fits
    }
}

fn put(lines: &mut [String], text: String) {
    if let Some(last) = lines.last_mut() {
        *last = text;
    }
}
