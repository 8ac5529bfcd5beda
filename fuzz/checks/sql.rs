//! What must hold for statements, whatever the text. Shared by the fuzz target and by the test that
//! replays its corpus.

/// Takes `bytes` for a query.
pub(crate) fn check(bytes: &[u8]) {
    let understood = postern_sql::postgresql(bytes);
    if let Ok(statements) = &understood {
        for facts in statements {
            assert!(!facts.accesses.is_empty(), "what is understood does something");
        }
    }
    let Ok(text) = str::from_utf8(bytes) else {
        assert!(understood.is_err(), "what is no UTF-8 is not understood");
        return;
    };
    // A statement more makes no difference to those before it.
    if let (Ok(before), Ok(after)) = (&understood, postern_sql::postgresql(format!("{text}\n;select 1").as_bytes())) {
        assert_eq!(Some(before.as_slice()), after.get(..before.len()));
        assert_eq!(after.len(), before.len() + 1);
    }
    if let Ok(statements) = postern_sql::mysql(bytes, Some("shop")) {
        for facts in &statements {
            assert!(!facts.accesses.is_empty(), "what is understood does something");
        }
    }
    let _ = (postern_sql::mysql_use(bytes), postern_sql::mysql_kill(bytes));
    let _ = (postern_sql::mysql_shape(text), postern_sql::mysql_redacted(text));
    let _ = postern_sql::redacted(text);
    if let Some(shape) = postern_sql::shape(text) {
        assert!(shape.len() <= 2000, "a shape is short");
    }
}
