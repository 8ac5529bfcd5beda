//! `cargo xtask statements`: the tables of statements with what must happen to each.

use postern_sql::trial;

/// Tries every statement and prints those that are decided wrongly.
pub(crate) fn run() -> anyhow::Result<()> {
    let tried = trial::run();
    let (mut statements, mut wrong) = (0, 0);
    for tried in tried {
        statements += 1;
        match tried {
            Ok(tried) if tried.decided == tried.expected => {}
            Ok(tried) => {
                wrong += 1;
                println!(
                    "{}, line {}: {:?} by `{}`: {}",
                    tried.database, tried.line, tried.decided, tried.rule, tried.text
                );
            }
            Err(line) => {
                wrong += 1;
                println!("not read: {line}");
            }
        }
    }
    println!("statements={statements} wrong={wrong}");
    anyhow::ensure!(wrong == 0, "statements are decided wrongly");
    Ok(())
}
