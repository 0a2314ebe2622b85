//! Forms: a label above, a hint below it, the error beside the field and once more on top.
//!
//! A refused form is shown again with status 422, everything that was typed still in it, and an
//! [`error_summary`] whose links lead to the fields.

use super::icon::{Icon, icon};
use maud::{Markup, html};

/// What a form carries against forgery and double clicks. The request implements it.
pub trait FormTokens {
    /// The token that proves that the form came from us.
    fn csrf(&self) -> String;
    /// A fresh key; two posts with the same key do one thing.
    fn idempotency_key(&self) -> String;
}

/// The two hidden fields of every form that changes something.
#[must_use]
pub fn hidden_fields(tokens: &impl FormTokens) -> Markup {
    html! {
        input type="hidden" name="_csrf" value=(tokens.csrf());
        input type="hidden" name="idempotency_key" value=(tokens.idempotency_key());
    }
}

/// A form that posts to `action`, with its hidden fields and the usual distances.
#[must_use]
pub fn form(tokens: &impl FormTokens, action: &str, body: &Markup) -> Markup {
    html! { form.form method="post" action=(action) novalidate { (hidden_fields(tokens)) (body) } }
}

/// A form with several acts: pressing Enter in one of its fields does none of them. The browser would press the
/// first button; that one is out of order and not to be seen.
#[must_use]
pub fn form_of_acts(tokens: &impl FormTokens, action: &str, body: &Markup) -> Markup {
    form(tokens, action, &html! { button type="submit" disabled hidden {} (body) })
}

/// A form that is only a button, as in a row of a table.
#[must_use]
pub fn form_inline(tokens: &impl FormTokens, action: &str, body: &Markup) -> Markup {
    html! { form.row method="post" action=(action) novalidate { (hidden_fields(tokens)) (body) } }
}

/// The errors of one refused form: field name and sentence, in the order of the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Errors(Vec<(String, String)>);

impl Errors {
    /// No error yet.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }
    /// One error at one field.
    #[must_use]
    pub fn one(field: &str, sentence: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, sentence);
        errors
    }
    /// Adds an error; a field with the empty name means the form as a whole.
    pub fn add(&mut self, field: &str, sentence: impl Into<String>) {
        self.0.push((field.to_owned(), sentence.into()));
    }
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// The first sentence about a field.
    #[must_use]
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == field).map(|(_, sentence)| sentence.as_str())
    }
    /// All errors.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, sentence)| (field.as_str(), sentence.as_str()))
    }
}

/// The box above a refused form; nothing when there are no errors.
#[must_use]
pub fn error_summary(errors: &Errors) -> Markup {
    html! {
        @if !errors.is_empty() {
            div.summary role="alert" tabindex="-1" data-error-summary {
                h2 { "Please check what you entered" }
                ul {
                    @for (field, sentence) in errors.iter() {
                        li { @if field.is_empty() { (sentence) } @else { a href={ "#" (field) } { (sentence) } } }
                    }
                }
            }
        }
    }
}

/// One field. Make it with [`Field::new`], set what it needs, and place it with [`Field::render`].
#[derive(Clone, Debug, Default)]
pub struct Field<'a> {
    name: &'a str,
    id: Option<&'a str>,
    label: &'a str,
    kind: &'a str,
    value: &'a str,
    hint: Option<&'a str>,
    error: Option<String>,
    optional: bool,
    width: &'a str,
    autocomplete: Option<&'a str>,
    inputmode: Option<&'a str>,
    placeholder: Option<&'a str>,
    maxlength: Option<usize>,
    list: Option<&'a str>,
    several: bool,
    rows: Option<(bool, u8)>,
    options: Vec<(String, String)>,
}

impl<'a> Field<'a> {
    /// A one-line text field.
    #[must_use]
    pub fn new(name: &'a str, label: &'a str) -> Self {
        Self { name, label, kind: "text", ..Self::default() }
    }
    /// Its id, if several forms of the page have a field of this name; its errors are those of the id.
    /// To be set before [`Field::errors`].
    #[must_use]
    pub fn id(mut self, id: &'a str) -> Self {
        self.id = Some(id);
        self
    }
    /// Another type of input: `email`, `password`, `date`, `number`, `url`, `tel`, `file` …
    #[must_use]
    pub fn kind(mut self, kind: &'a str) -> Self {
        self.kind = kind;
        self
    }
    /// What stands in it: never given for passwords.
    #[must_use]
    pub fn value(mut self, value: &'a str) -> Self {
        self.value = value;
        self
    }
    /// A sentence under the label that helps before the mistake.
    #[must_use]
    pub fn hint(mut self, hint: &'a str) -> Self {
        self.hint = Some(hint);
        self
    }
    /// Takes the field's error out of those of the form.
    #[must_use]
    pub fn errors(mut self, errors: &Errors) -> Self {
        self.error = errors.of(self.id.unwrap_or(self.name)).map(ToOwned::to_owned);
        self
    }
    /// Marks the field "(optional)"; the others are required, without a star.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
    /// For a few characters, such as a year or a code.
    #[must_use]
    pub fn short(mut self) -> Self {
        self.width = "short";
        self
    }
    /// For a name or a date.
    #[must_use]
    pub fn mid(mut self) -> Self {
        self.width = "mid";
        self
    }
    /// The browser's name for what belongs here, such as `email` or `current-password`.
    #[must_use]
    pub fn autocomplete(mut self, token: &'a str) -> Self {
        self.autocomplete = Some(token);
        self
    }
    /// The keyboard that a phone shows, such as `numeric`.
    #[must_use]
    pub fn inputmode(mut self, mode: &'a str) -> Self {
        self.inputmode = Some(mode);
        self
    }
    /// An example of the form of the value; never instead of the label.
    #[must_use]
    pub fn placeholder(mut self, text: &'a str) -> Self {
        self.placeholder = Some(text);
        self
    }
    /// Longest text that the browser lets in.
    #[must_use]
    pub fn maxlength(mut self, characters: usize) -> Self {
        self.maxlength = Some(characters);
        self
    }
    /// The id of a `<datalist>` with suggestions.
    #[must_use]
    pub fn list(mut self, id: &'a str) -> Self {
        self.list = Some(id);
        self
    }
    /// More than one file may be chosen.
    #[must_use]
    pub fn several(mut self) -> Self {
        self.several = true;
        self
    }
    /// Several lines.
    #[must_use]
    pub fn area(mut self) -> Self {
        self.rows = Some((false, 4));
        self
    }
    /// A whole text.
    #[must_use]
    pub fn long_area(mut self) -> Self {
        self.rows = Some((true, 14));
        self
    }
    /// A choice of few: pairs of value and words.
    #[must_use]
    pub fn select<V: Into<String>, L: Into<String>>(
        mut self,
        options: impl IntoIterator<Item = (V, L)>,
    ) -> Self {
        self.kind = "select";
        self.options = options.into_iter().map(|(v, l)| (v.into(), l.into())).collect();
        self
    }

    /// The field with label, hint and error, tied together for screen readers.
    #[must_use]
    pub fn render(self) -> Markup {
        let id = self.id.unwrap_or(self.name);
        let hint_id = self.hint.map(|_| format!("{id}-hint"));
        let error_id = self.error.as_ref().map(|_| format!("{id}-error"));
        let described =
            [hint_id.as_deref(), error_id.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let described = (!described.is_empty()).then_some(described);
        let invalid = self.error.as_ref().map(|_| "true");
        let required = (!self.optional).then_some("true");
        html! {
            div.field {
                label for=(id) { (self.label) @if self.optional { " " span.optional { "(optional)" } } }
                @if let Some(hint) = self.hint { p.hint id=[hint_id] { (hint) } }
                @if let Some(error) = &self.error { p.error-text id=[error_id] { (icon(Icon::CircleAlert)) span { (error) } } }
                @if self.kind == "select" {
                    select class={ "input " (self.width) } id=(id) name=(self.name) aria-describedby=[described] aria-invalid=[invalid] {
                        @for (value, label) in &self.options {
                            option value=(value) selected[value == self.value] { (label) }
                        }
                    }
                } @else if let Some((long, rows)) = self.rows {
                    textarea class={ "input " (if long { "long" } else { "" }) } id=(id) name=(self.name) rows=(rows)
                        maxlength=[self.maxlength] placeholder=[self.placeholder] aria-required=[required]
                        aria-describedby=[described] aria-invalid=[invalid] { "\n" (self.value) }
                } @else {
                    input class={ "input " (self.width) } id=(id) name=(self.name) type=(self.kind) value=(self.value)
                        autocomplete=[self.autocomplete] inputmode=[self.inputmode] placeholder=[self.placeholder] list=[self.list] multiple[self.several]
                        maxlength=[self.maxlength] aria-required=[required] aria-describedby=[described] aria-invalid=[invalid];
                }
            }
        }
    }
}

/// A box to tick, with an optional hint under its words.
#[must_use]
pub fn checkbox(name: &str, label: &str, checked: bool, hint: Option<&str>) -> Markup {
    checkbox_with_id((name, name), label, checked, hint)
}

/// The same with an id of its own, if several forms of the page have one of this name: id and name.
#[must_use]
pub fn checkbox_with_id((id, name): (&str, &str), label: &str, checked: bool, hint: Option<&str>) -> Markup {
    html! {
        label.choice {
            input type="checkbox" id=(id) name=(name) value="yes" checked[checked];
            span { (label) @if let Some(hint) = hint { span.hint { (hint) } } }
        }
    }
}

/// One of several cards to choose from, such as a plan or a way to pay.
pub struct Choice<'a> {
    /// What is sent.
    pub value: &'a str,
    /// Its words.
    pub label: &'a str,
    /// A line below.
    pub hint: Option<String>,
    /// A word at the end, such as a price.
    pub aside: Option<String>,
}

/// A group of cards of which one is chosen.
#[must_use]
pub fn choices(name: &str, legend: &str, options: &[Choice<'_>], chosen: &str, errors: &Errors) -> Markup {
    html! {
        fieldset.field.full id=(name) aria-describedby=[errors.of(name).map(|_| format!("{name}-error"))] {
            legend { (legend) }
            @if let Some(error) = errors.of(name) { p.error-text id={ (name) "-error" } { (icon(Icon::CircleAlert)) span { (error) } } }
            div.choices.full {
                @for option in options {
                    label.option {
                        input type="radio" name=(name) value=(option.value) checked[option.value == chosen];
                        span.grow { strong { (option.label) } @if let Some(hint) = &option.hint { span.hint { br; (hint) } } }
                        @if let Some(aside) = &option.aside { strong.num { (aside) } }
                    }
                }
            }
        }
    }
}

/// A search field with its button; it works as a plain form with GET. `kept` are hidden fields with what the list is
/// narrowed to besides.
#[must_use]
pub fn search_form(action: &str, label: &str, value: &str, kept: &Markup) -> Markup {
    html! {
        form.search role="search" action=(action) method="get" {
            (kept)
            (icon(Icon::Search))
            input.input type="search" name="q" value=(value) aria-label=(label) placeholder=(label) maxlength="200";
            button.btn type="submit" { "Search" }
        }
    }
}
