//! Paper: pages that fill from the top, with a heading and a foot on each, drawn once all are known.

use krilla::color::rgb;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::{Document, SerializeSettings};
use postern_domain::Timestamp;

use super::type_face::TypeFace;
use crate::Error;

/// A4, lying, in points.
const WIDTH: f32 = 841.89;
const HEIGHT: f32 = 595.28;
const MARGIN: f32 = 40.0;
const FOOT: f32 = 46.0;
/// How high a line is beside its size.
const LINE: f32 = 1.35;

/// What is seen between the margins.
pub(super) const INNER: f32 = WIDTH - 2.0 * MARGIN;

/// A colour.
pub(super) type Ink = (u8, u8, u8);
pub(super) const BLACK: Ink = (24, 28, 36);
pub(super) const GREY: Ink = (98, 106, 120);
pub(super) const PALE: Ink = (238, 241, 245);
pub(super) const RULE: Ink = (205, 211, 220);

/// A weight of the type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

enum Mark {
    Text { x: f32, y: f32, size: f32, weight: Weight, ink: Ink, text: String },
    Box { x: f32, y: f32, w: f32, h: f32, ink: Ink },
}

/// Pages in the making.
pub(super) struct Paper {
    regular: TypeFace,
    bold: TypeFace,
    pages: Vec<Vec<Mark>>,
    /// Where the next line begins, from the top.
    y: f32,
}

/// A cell of a row: its text, how it looks, and how wide it is.
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) width: f32,
    pub(super) weight: Weight,
    pub(super) ink: Ink,
}

impl Paper {
    pub(super) fn new() -> Result<Self, Error> {
        Ok(Self { regular: TypeFace::regular()?, bold: TypeFace::bold()?, pages: vec![Vec::new()], y: MARGIN })
    }

    fn face(&self, weight: Weight) -> &TypeFace {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    /// Begins a page unless `height` fits on this one; says whether it did.
    pub(super) fn room(&mut self, height: f32) -> bool {
        let full = self.y + height > HEIGHT - FOOT;
        if full && self.y > MARGIN {
            self.page();
        }
        full
    }

    /// Begins a page.
    pub(super) fn page(&mut self) {
        self.pages.push(Vec::new());
        self.y = MARGIN;
    }

    pub(super) fn gap(&mut self, height: f32) {
        self.y += height;
    }

    fn mark(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.push(mark);
        }
    }

    /// A paragraph over the whole width.
    pub(super) fn text(&mut self, text: &str, size: f32, weight: Weight, ink: Ink) {
        for line in self.face(weight).wrap(text, size, INNER, usize::MAX) {
            self.room(size * LINE);
            self.y += size * LINE;
            self.mark(Mark::Text { x: MARGIN, y: self.y - size * 0.3, size, weight, ink, text: line });
        }
    }

    /// A line across.
    pub(super) fn rule(&mut self) {
        self.mark(Mark::Box { x: MARGIN, y: self.y, w: INNER, h: 0.6, ink: RULE });
    }

    /// A bar that is filled by a part of its width, with what stands left and right of it.
    pub(super) fn bar(&mut self, label: &str, figure: &str, parts: &[(f32, Ink)]) {
        let (size, high, left, wide) = (9.0, 8.0, 230.0, 380.0);
        self.room(16.0);
        let text = |x, text: &str| Mark::Text {
            x,
            y: self.y + 9.0,
            size,
            weight: Weight::Regular,
            ink: BLACK,
            text: self.regular.clean(text),
        };
        let marks = [text(MARGIN, label), text(MARGIN + left + wide + 10.0, figure)];
        marks.into_iter().for_each(|mark| self.mark(mark));
        self.mark(Mark::Box { x: MARGIN + left, y: self.y + 2.0, w: wide, h: high, ink: PALE });
        let mut x = MARGIN + left;
        for (part, ink) in parts {
            let w = wide * part.clamp(0.0, 1.0);
            if w > 0.0 {
                self.mark(Mark::Box { x, y: self.y + 2.0, w, h: high, ink: *ink });
            }
            x += w;
        }
        self.y += 16.0;
    }

    /// How high a row is.
    fn lines(&self, cells: &[Cell], size: f32, lines_max: usize) -> Vec<Vec<String>> {
        let line = |cell: &Cell| self.face(cell.weight).wrap(&cell.text, size, cell.width - 6.0, lines_max);
        cells.iter().map(line).collect()
    }

    /// A row of cells; gives whether a page was begun for it, in which case nothing was drawn yet.
    pub(super) fn row(&mut self, cells: &[Cell], size: f32, lines_max: usize, ground: Option<Ink>) -> bool {
        let lines = self.lines(cells, size, lines_max);
        let most = lines.iter().map(Vec::len).max().unwrap_or(1);
        let line = size * LINE;
        #[allow(clippy::cast_precision_loss, reason = "a row has few lines")]
        let high = most as f32 * line + 5.0;
        if self.y > MARGIN && self.y + high > HEIGHT - FOOT {
            self.page();
            return true;
        }
        if let Some(ink) = ground {
            self.mark(Mark::Box { x: MARGIN, y: self.y, w: INNER, h: high, ink });
        }
        let mut x = MARGIN + 3.0;
        for (cell, lines) in cells.iter().zip(lines) {
            let mut y = self.y + 2.5;
            for text in lines {
                y += line;
                self.mark(Mark::Text { x, y: y - size * 0.3, size, weight: cell.weight, ink: cell.ink, text });
            }
            x += cell.width;
        }
        self.y += high;
        self.mark(Mark::Box { x: MARGIN, y: self.y - 0.5, w: INNER, h: 0.5, ink: RULE });
        false
    }

    /// What stands on each page, in the order in which it was drawn.
    #[cfg(test)]
    pub(super) fn texts(&self) -> Vec<Vec<&str>> {
        fn text(mark: &Mark) -> Option<&str> {
            match mark {
                Mark::Text { text, .. } => Some(text.as_str()),
                Mark::Box { .. } => None,
            }
        }
        self.pages.iter().map(|page| page.iter().filter_map(text).collect()).collect()
    }

    /// The file. Every page has `foot` and its number below.
    pub(super) fn print(mut self, title: &str, id: &str, foot: &str, at: Timestamp) -> Result<Vec<u8>, Error> {
        let failed = |what: &str| Error::Pdf(what.to_owned());
        let configuration = ConfigurationBuilder::new().with_archival_validator(Archival::A2_U).finish();
        let configuration = configuration.map_err(|error| Error::Pdf(format!("{error:?}")))?;
        let mut document =
            Document::new_with(SerializeSettings { configuration, enable_tagging: false, ..Default::default() });
        let count = self.pages.len();
        let foot = self.regular.clean(foot);
        for (number, marks) in std::mem::take(&mut self.pages).into_iter().enumerate() {
            let settings = PageSettings::from_wh(WIDTH, HEIGHT).ok_or_else(|| failed("the page has no size"))?;
            let mut page = document.start_page_with(settings);
            let mut surface = page.surface();
            let below =
                |x, text| Mark::Text { x, y: HEIGHT - 24.0, size: 7.5, weight: Weight::Regular, ink: GREY, text };
            let numbered = format!("{} / {count}", number + 1);
            let right = WIDTH - MARGIN - self.regular.width(&numbered, 7.5);
            for mark in marks.into_iter().chain([below(MARGIN, foot.clone()), below(right, numbered)]) {
                match mark {
                    Mark::Text { x, y, size, weight, ink, text } => {
                        surface.set_fill(Some(fill(ink)));
                        let face = self.face(weight);
                        surface.draw_glyphs(
                            Point::from_xy(x, y),
                            &face.glyphs(&text),
                            face.font.clone(),
                            &text,
                            size,
                            false,
                        );
                    }
                    Mark::Box { x, y, w, h, ink } => {
                        let mut path = PathBuilder::new();
                        path.push_rect(Rect::from_xywh(x, y, w, h).ok_or_else(|| failed("a box has no size"))?);
                        surface.set_fill(Some(fill(ink)));
                        surface.draw_path(&path.finish().ok_or_else(|| failed("a box has no size"))?);
                    }
                }
            }
            surface.finish();
            page.finish();
        }
        document.set_metadata(
            Metadata::new()
                .title(title.to_owned())
                .creator("Postern".to_owned())
                .document_id(id.to_owned())
                .language("en".to_owned())
                .creation_date(date(at)),
        );
        document.finish().map_err(|error| Error::Pdf(format!("{error:?}")))
    }
}

fn fill((red, green, blue): Ink) -> Fill {
    Fill { paint: rgb::Color::new(red, green, blue).into(), ..Fill::default() }
}

fn date(at: Timestamp) -> DateTime {
    let text = at.to_string();
    let part = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<u8>().ok()).unwrap_or(0);
    let year = text.get(..4).and_then(|year| year.parse().ok()).unwrap_or(1970);
    DateTime::new(year)
        .month(part(5, 7))
        .day(part(8, 10))
        .hour(part(11, 13))
        .minute(part(14, 16))
        .second(part(17, 19))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}
