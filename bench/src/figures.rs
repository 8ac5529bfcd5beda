//! Figures, their goals, and the one line that they end up in.

/// The figures of a run.
#[derive(Default)]
pub(crate) struct Figures {
    shown: Vec<String>,
    short: Vec<String>,
}

impl Figures {
    /// A figure without a goal.
    pub(crate) fn plain(&mut self, name: &str, value: f64) {
        self.shown.push(format!("{name}={value:.3}"));
    }

    /// A figure that must be at least `goal`.
    pub(crate) fn at_least(&mut self, name: &str, value: f64, goal: f64) {
        self.plain(name, value);
        if value < goal {
            self.short.push(format!("{name} is {value:.3}, the goal is at least {goal}"));
        }
    }

    /// A figure that must be at most `goal`.
    pub(crate) fn at_most(&mut self, name: &str, value: f64, goal: f64) {
        self.plain(name, value);
        if value > goal {
            self.short.push(format!("{name} is {value:.3}, the goal is at most {goal}"));
        }
    }

    /// Prints what is short of its goal and then the one line; says whether nothing is.
    pub(crate) fn print(&self) -> bool {
        for short in &self.short {
            println!("short: {short}");
        }
        println!("{} short={}", self.shown.join(" "), self.short.len());
        self.short.is_empty()
    }
}

/// The middle one; 0 when there is none.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value that this part of all lie below.
pub(crate) fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let index = (last as f64 * part).round() as usize;
    sorted.get(index).copied().unwrap_or(0.0)
}
