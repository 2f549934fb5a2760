//! The keyboard: which key means what, and where it may.

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// One row down.
    Next,
    /// One row up.
    Previous,
    /// The first row.
    First,
    /// The last row.
    Last,
    /// Take the row into the selection, or out of it.
    Select,
    /// Take this row and the next one into the selection.
    SelectNext,
    /// Take this row and the one before into the selection.
    SelectPrevious,
    /// Take all rows into the selection.
    SelectAll,
    /// Take the last action back.
    Undo,
    /// Play, or pause.
    PlayPause,
    /// Record, or pause while it records.
    Record,
    /// The next slower speed.
    Slower,
    /// The next faster speed.
    Faster,
    /// Delete the selection, or the message one is at.
    Delete,
    /// Back to the list.
    Back,
    /// Into the search field.
    Search,
    /// Show all keys.
    Help,
    /// Close or clear what is nearest.
    Escape,
    /// Say the connection line.
    ReadConnection,
}

/// What has the focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PressTarget {
    /// A field that takes text or arrows: letters belong to it.
    Field,
    /// A row of the list: its link.
    Row,
    /// A check box, radio button or button: space belongs to it.
    Control,
    /// The seek bar: arrows belong to it, space plays.
    Seek,
    /// Anything else.
    Page,
}

/// A key as the browser names it.
#[derive(Clone, Copy, Debug)]
pub struct Press<'a> {
    /// `KeyboardEvent.key`.
    pub key: &'a str,
    /// Alt is held.
    pub alt: bool,
    /// Control or the command key is held.
    pub ctrl: bool,
    /// Shift is held.
    pub shift: bool,
    /// What has the focus.
    pub target: PressTarget,
    /// Single letters are switched on.
    pub letters: bool,
}

/// The command of a key press, if it is one.
pub fn command(press: Press<'_>) -> Option<Command> {
    use Command::*;
    if press.alt && !press.ctrl {
        return press
            .key
            .eq_ignore_ascii_case("s")
            .then_some(ReadConnection);
    }
    if press.ctrl || press.alt {
        // In a field they are the field's own.
        let of_list = !press.alt && !press.shift && press.target != PressTarget::Field;
        return match press.key {
            "a" | "A" if of_list => Some(SelectAll),
            "z" | "Z" if of_list => Some(Undo),
            _ => None,
        };
    }
    if press.key == "Escape" {
        return Some(Escape);
    }
    if press.target == PressTarget::Field {
        return None;
    }
    match press.key {
        "ArrowDown" if press.shift && press.target == PressTarget::Row => return Some(SelectNext),
        "ArrowUp" if press.shift && press.target == PressTarget::Row => {
            return Some(SelectPrevious);
        }
        "ArrowDown" if press.target != PressTarget::Seek => return Some(Next),
        "ArrowUp" if press.target != PressTarget::Seek => return Some(Previous),
        "Home" if press.target == PressTarget::Row => return Some(First),
        "End" if press.target == PressTarget::Row => return Some(Last),
        " " if press.target != PressTarget::Control => return Some(PlayPause),
        "Delete" => return Some(Delete),
        _ if !press.letters => return None,
        _ => {}
    }
    Some(match press.key {
        "j" | "J" => Next,
        "k" | "K" => Previous,
        "x" | "X" => Select,
        "u" | "U" => Back,
        "r" | "R" => Record,
        "<" => Slower,
        ">" => Faster,
        "/" => Search,
        "?" => Help,
        _ => return None,
    })
}

/// The keys and what they do, for the help: keys that do the same stand together.
pub const HELP: [(&[&str], &str); 18] = [
    (&["↑", "↓", "J", "K"], "Go through the list"),
    (&["Enter"], "Open the message"),
    (
        &["X"],
        "Select the message, or take it out of the selection",
    ),
    (&["Shift", "↑", "↓"], "Select several, one after the other"),
    (&["Ctrl", "A"], "Select all that are shown"),
    (&["Ctrl", "Z"], "Undo the last deletion or move"),
    (&["Space"], "Play or pause, in the list and in the player"),
    (&["R"], "Record, and pause while recording"),
    (&["←", "→"], "5 seconds back or on, on the seek bar"),
    (&["<", ">"], "Slower, faster"),
    (&["Del"], "Delete the selection or the message you are at"),
    (&["U"], "Back to the list"),
    (&["/"], "Search"),
    (&["?"], "Show all keys"),
    (&["Esc"], "Close or clear"),
    (&["Tab"], "From one part of the page to the next"),
    (&["Alt", "S"], "Say which server you work on"),
    (
        &["Home", "End"],
        "First or last message; start or end on the seek bar",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn press(key: &str, target: PressTarget) -> Option<Command> {
        command(Press {
            key,
            alt: false,
            ctrl: false,
            shift: false,
            target,
            letters: true,
        })
    }

    #[test]
    fn letters_act_outside_fields_only() {
        assert_eq!(press("j", PressTarget::Row), Some(Command::Next));
        assert_eq!(press("r", PressTarget::Control), Some(Command::Record));
        assert_eq!(press("?", PressTarget::Page), Some(Command::Help));
        for key in ["j", "r", "x", "/", "Delete", " ", "ArrowDown"] {
            assert_eq!(press(key, PressTarget::Field), None, "{key}");
        }
        assert_eq!(press("Escape", PressTarget::Field), Some(Command::Escape));
    }

    #[test]
    fn letters_can_be_switched_off_and_the_other_keys_stay() {
        let off = |key| {
            command(Press {
                key,
                alt: false,
                ctrl: false,
                shift: false,
                target: PressTarget::Row,
                letters: false,
            })
        };
        assert_eq!(off("j"), None);
        assert_eq!(off("?"), None);
        assert_eq!(off("ArrowDown"), Some(Command::Next));
        assert_eq!(off("Delete"), Some(Command::Delete));
    }

    #[test]
    fn a_focused_control_keeps_its_own_keys() {
        assert_eq!(press(" ", PressTarget::Control), None);
        assert_eq!(press(" ", PressTarget::Seek), Some(Command::PlayPause));
        assert_eq!(press("ArrowUp", PressTarget::Seek), None);
    }

    #[test]
    fn several_are_selected_with_shift_and_all_with_control_but_not_in_a_field() {
        let with = |key, ctrl, target| {
            command(Press {
                key,
                alt: false,
                ctrl,
                shift: !ctrl,
                target,
                letters: true,
            })
        };
        use PressTarget::*;
        assert_eq!(with("ArrowDown", false, Row), Some(Command::SelectNext));
        assert_eq!(with("ArrowUp", false, Row), Some(Command::SelectPrevious));
        assert_eq!(with("ArrowDown", false, Page), Some(Command::Next));
        assert_eq!(with("a", true, Row), Some(Command::SelectAll));
        assert_eq!(with("z", true, Page), Some(Command::Undo));
        for key in ["a", "z"] {
            assert_eq!(with(key, true, Field), None, "{key}");
        }
        assert_eq!(with("ArrowDown", false, Field), None);
    }

    #[test]
    fn the_browsers_own_shortcuts_are_left_alone() {
        let with = |key, alt, ctrl| {
            command(Press {
                key,
                alt,
                ctrl,
                shift: false,
                target: PressTarget::Page,
                letters: true,
            })
        };
        assert_eq!(with("x", false, true), None);
        assert_eq!(with("s", true, false), Some(Command::ReadConnection));
        assert_eq!(with("s", false, false), None);
        assert_eq!(with("j", true, false), None);
    }
}
