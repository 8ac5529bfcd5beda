use super::*;
use crate::estate::{ACCESS, documents};
use crate::testing::World;

#[tokio::test]
async fn what_is_written_reads_back_as_the_same() {
    let world = World::new().await;
    let given = documents(ACCESS);
    let written = world.control.documents_write(&DocumentsInput { documents: given.clone() }).unwrap();
    assert!(written.problems.is_empty(), "{:?}", written.problems);
    let read = world.control.documents_read(DocumentText { text: written.text }).await.unwrap();
    assert!(read.problems.is_empty(), "{:?}", read.problems);
    assert_eq!(read.documents, given);
}

#[tokio::test]
async fn what_is_wrong_has_its_line_and_what_would_be_refused_its_field() {
    let world = World::new().await;
    let text = "kind: Policy\nname: dev\nsubjects: {groups: [sre]}\nacess: request\n".to_owned();
    let read = world.control.documents_read(DocumentText { text }).await.unwrap();
    assert!(read.documents.is_empty());
    assert_eq!(read.problems[0].line, 4, "{:?}", read.problems);
    let long = DocumentText { text: "#".repeat(TEXT_LEN_MAX + 1) };
    assert!(matches!(world.control.documents_read(long).await, Err(Error::Invalid { field, .. }) if field == "text"));

    let [policy] = &documents("{kind: Policy, name: dev, subjects: {groups: [sre]}}")[..] else { panic!("one") };
    let Document::Policy(policy) = policy.clone() else { panic!("a policy") };
    let nobody = Document::Policy(postern_domain::document::PolicyDocument { subjects: Default::default(), ..policy });
    let written = world.control.documents_write(&DocumentsInput { documents: vec![nobody] }).unwrap();
    assert_eq!(written.problems.len(), 1, "{:?}", written.problems);
    assert!(written.problems[0].field.contains("subjects"), "{:?}", written.problems);
}
