use super::*;
use crate::estate::{Estate, reference};

async fn keep(estate: &Estate, who: &str, scope: Option<&str>) -> Result<RequestTemplate, Error> {
    let (caller, permit) = estate.caller(who, Permission::RequestCreate).await;
    let wish = TemplateWish {
        accounts: vec![reference("root@web-1")],
        duration_seconds: 1_800,
        reason: "weekly".to_owned(),
        ticket: None,
    };
    let input = TemplateInput { name: "Weekly checks".to_owned(), scope: scope.map(|at| at.parse().unwrap()), wish };
    estate.world.control.template_create(&caller, &permit, &input).await
}

async fn listed(estate: &Estate, who: &str) -> usize {
    let caller = estate.world.caller(who).await;
    estate.world.control.template_list(&caller).await.unwrap().len()
}

#[tokio::test]
async fn ones_own_is_ones_own_and_a_shared_one_is_of_its_scope() {
    let estate = Estate::new().await;
    let own = keep(&estate, "ben", None).await.unwrap();
    assert_eq!((listed(&estate, "ben").await, listed(&estate, "cy").await), (1, 0));
    assert!(matches!(keep(&estate, "ben", Some("/emea")).await, Err(Error::Forbidden(_))));
    let shared = keep(&estate, "ada", Some("/emea")).await.unwrap();
    assert_eq!((listed(&estate, "cy").await, listed(&estate, "zoe").await), (1, 0));
    let (ben, cy) = (estate.world.caller("ben").await, estate.world.caller("cy").await);
    let control = &estate.world.control;
    assert!(matches!(control.template_delete(&cy, &own.id).await, Err(Error::NotFound { .. })));
    assert!(matches!(control.template_delete(&ben, &shared.id).await, Err(Error::NotFound { .. })));
    control.template_delete(&ben, &own.id).await.unwrap();
    assert_eq!(listed(&estate, "ben").await, 1);
}
