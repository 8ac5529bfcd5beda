//! Who is one person.
//!
//! Somebody may have several users: one of every day, and others linked to it, for privileged work. Wherever two
//! people are asked for, all users of one person count as one; this is the only place that says which they are.

use crate::name::UserName;
use crate::user::User;

/// The person whose user is called `user`, known by the name of their everyday user: `identity` where the user is
/// linked to one, else the user's own. Links are one step long: an everyday user is linked to none.
#[must_use]
pub fn of<'a>(user: &'a UserName, identity: Option<&'a UserName>) -> &'a UserName {
    identity.unwrap_or(user)
}

impl User {
    /// The person whose user this is, known by the name of their everyday user.
    #[must_use]
    pub fn person(&self) -> &UserName {
        of(&self.name, self.profile.identity.as_ref())
    }

    /// Whether this is a user of the same person as `other`.
    #[must_use]
    pub fn is_same_person(&self, other: &Self) -> bool {
        self.person() == other.person()
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::fixture::{linked, user};

    #[test]
    fn users_that_are_linked_to_one_are_one_person() {
        let (everyday, admin, second) = (user("ada", &[], "/"), linked("ada-priv", "ada"), linked("ada-db", "ada"));
        for (one, other) in [(&everyday, &admin), (&admin, &everyday), (&admin, &second), (&admin, &admin)] {
            assert!(one.is_same_person(other), "{} and {}", one.name, other.name);
        }
        assert!(!admin.is_same_person(&user("ben", &[], "/")));
        assert!(!admin.is_same_person(&linked("ben-priv", "ben")));
    }
}
