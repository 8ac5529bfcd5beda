use super::*;

#[derive(Default)]
struct Told(Vec<String>);

/// Plays input (`>`) and output (`<`) in turn, and gives what was entered.
fn play(cols: u32, pieces: &[(char, &str)]) -> Vec<String> {
    let mut told = Told::default();
    let mut screen = Screen::new(cols, 24).expect("a size");
    let mut tell = |entered| match entered {
        Entered::Line { text, prompted: true } => told.0.push(text),
        Entered::Line { text, prompted: false } => told.0.push(format!("?{text}")),
        Entered::Unseen { prompt } => told.0.push(format!("unseen:{prompt}")),
    };
    for (side, data) in pieces {
        match side {
            '>' => screen.input(data.as_bytes(), &mut tell),
            _ => screen.output(data.as_bytes(), &mut tell),
        }
    }
    screen.finish(&mut tell);
    told.0
}

#[test]
fn a_command_is_what_the_screen_shows_at_enter() {
    let shown = play(
        80,
        &[
            ('<', "ada@web-1:~$ "),
            ('>', "lz"),
            ('<', "lz"),
            ('>', "\x7fs -l\r"),
            ('<', "\x08\x1b[Ks -l\r\ntotal 0\r\n"),
        ],
    );
    assert_eq!(shown, ["ls -l"]);
}

#[test]
fn what_is_not_shown_is_not_seen() {
    let shown = play(80, &[('<', "$ "), ('>', "su\r"), ('<', "su\r\nPassword: "), ('>', "hunter2\r"), ('<', "\r\n# ")]);
    assert_eq!(shown, ["su", "unseen:Password:"]);
}

#[test]
fn a_wrapped_line_is_one() {
    let long = "echo one two three four five";
    let shown = play(20, &[('<', "$ "), ('>', "x\r"), ('<', long), ('<', "\r\n")]);
    assert_eq!(shown, [long]);
}

#[test]
fn a_history_search_is_the_line_that_it_found() {
    let shown = play(
        80,
        &[
            ('<', "$ "),
            ('>', "\x12"),
            ('<', "\r(reverse-i-search)`': "),
            ('>', "res"),
            ('<', "\r\x1b[K(reverse-i-search)`res': systemctl restart nginx"),
            ('>', "\r"),
            ('<', "\r\x1b[K$ systemctl restart nginx\r\n"),
        ],
    );
    assert_eq!(shown, ["systemctl restart nginx"]);
}

#[test]
fn completion_lists_do_not_confuse() {
    let shown = play(
        80,
        &[
            ('<', "$ "),
            ('>', "cat /e\t\t"),
            ('<', "cat /etc/\r\nhosts  hostname\r\n$ cat /etc/"),
            ('>', "hosts\r"),
            ('<', "hosts\r\n"),
        ],
    );
    assert_eq!(shown, ["cat /etc/hosts"]);
}

#[test]
fn here_documents_and_loops_are_one_command() {
    let shown = play(
        80,
        &[
            ('<', "$ "),
            ('>', "cat <<E\r"),
            ('<', "cat <<E\r\n> "),
            ('>', "a b\r"),
            ('<', "a b\r\n> "),
            ('>', "E\r"),
            ('<', "E\r\na b\r\n$ "),
            ('>', "id\r"),
            ('<', "id\r\n"),
        ],
    );
    assert_eq!(shown, ["cat <<E\na b\nE", "id"]);
}

#[test]
fn full_screen_programs_give_no_commands() {
    let shown = play(
        80,
        &[
            ('<', "$ "),
            ('>', "vi x\r"),
            ('<', "vi x\r\n\x1b[?1049h\x1b[H"),
            ('>', "irm -rf /\r:wq\r"),
            ('<', "rm -rf /\r\n\x1b[?1049l$ "),
            ('>', "ls\r"),
            ('<', "ls\r\n"),
        ],
    );
    assert_eq!(shown, ["vi x", "ls"]);
}

#[test]
fn marks_of_the_shell_say_where_the_command_begins() {
    let shown = play(
        80,
        &[
            ('<', "\x1b]133;A\x07mine :: \x1b]133;B\x07"),
            ('>', "ls\r"),
            ('<', "ls\x1b]133;C\x07\r\na\r\n\x1b]133;D;0\x07"),
        ],
    );
    assert_eq!(shown, ["ls"]);
}

#[test]
fn what_is_typed_ahead_is_told_once() {
    let shown = play(
        80,
        &[
            ('<', "$ "),
            ('>', "sleep 1\r"),
            ('<', "sleep 1\r\n"),
            ('>', "id\r"),
            ('<', "id\r\n"),
            ('<', "$ id\r\nuid=0\r\n$ "),
        ],
    );
    assert_eq!(shown, ["sleep 1", "?id"]);
}

#[test]
fn answers_are_told_as_such() {
    let shown = play(
        80,
        &[('<', "$ "), ('>', "apt upgrade\r"), ('<', "apt upgrade\r\nContinue? [Y/n] "), ('>', "y\r"), ('<', "y\r\n")],
    );
    assert_eq!(shown, ["apt upgrade", "?y"]);
}
