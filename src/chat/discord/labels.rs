//! The few words of its own that this adapter puts on buttons and fields; everything else comes as cards and forms.

/// On the button of a form that opens as a modal.
pub const OPEN_FORM: &str = "Open the form";
/// On the button that opens a failed form again.
pub const EDIT: &str = "Edit";
/// On the button for the text fields of a page.
pub const FILL_IN: &str = "Fill in …";
/// On the button for the last fields, which sends the form as well.
pub const FILL_IN_AND_SEND: &str = "Fill in and send …";
/// On the button to the next page.
pub const NEXT: &str = "Next page";
/// On the button to the page before.
pub const BACK: &str = "Back";
/// The choice that stands for one that is not listed.
pub const OTHER: &str = "Something else …";
/// The choices of a yes-or-no field.
pub const YES_NO: [(&str, &str); 2] = [("true", "Yes"), ("false", "No")];
/// Behind the label of a field that may be left empty.
pub const OPTIONAL: &str = "optional";
/// In place of a value that nobody gave.
pub const EMPTY: &str = "–";
/// The catch-all command, its option, and what they say.
pub const SAY: (&str, &str) = ("stationmaster", "Use any command, or say what you need");
/// The option of the catch-all command.
pub const LINE: (&str, &str) = ("line", "A command such as: db create orders");
/// The option that asks for the plan only.
pub const DRY_RUN: (&str, &str) = ("dry-run", "Only show what would be done");
/// The command in the menu of a message.
pub const FIND: &str = "Find a command";
/// The sub-command of a command that has sub-commands beside itself.
pub const BARE: &str = "run";
/// The title of the modal that asks for the rest of a line, and the label of its field.
pub const MORE: (&str, &str) = ("What exactly?", "Your words");
