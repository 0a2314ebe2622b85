//! Who is billed: the fields, what may be wrong with them, and the text that is kept.

use crate::actors::paper::REFERENCE;
use crate::domain::shared::tax::Country;
use crate::domain::shared::vat_number::VatCheck;
use crate::domain::shared::{PersonalValue, vat_number};
use crate::http::ui::{Errors, Field};
use crate::http::{Form, Req};
use maud::{Markup, html};
use uuid::Uuid;

/// Stands between postcode and town, so that the line can be taken apart again; on paper it is a space.
const EN_SPACE: char = '\u{2002}';

/// Longest entry in characters.
const LONGEST: usize = 120;

/// The fields, country aside.
pub(in crate::http::pages) fn fields(form: &Form, errors: &Errors) -> Markup {
    html! {
        (fields_of_a_person(form, errors))
        (Field::new("reference", "Your reference").optional().value(form.get("reference")).maxlength(LONGEST).mid()
            .hint("Stands on the invoice, such as the number of a purchase order.").errors(errors).render())
        (Field::new("vat_number", "VAT number").optional().value(form.get("vat_number")).maxlength(20).short()
            .hint("For businesses in the European Union. In another country than ours you pay without VAT then.").errors(errors).render())
    }
}

/// Name and address.
pub(super) fn fields_of_a_person(form: &Form, errors: &Errors) -> Markup {
    let text = |name: &'static str, label: &'static str, token: &'static str| {
        Field::new(name, label)
            .value(form.get(name))
            .autocomplete(token)
            .maxlength(LONGEST)
            .mid()
            .errors(errors)
    };
    html! {
        (text("name", "Name", "name").render())
        (text("street", "Street and number", "street-address").render())
        (text("postcode", "Postcode", "postal-code").short().render())
        (text("city", "City", "address-level2").render())
    }
}

/// Notes what is wrong with name and address.
pub(super) fn check_person(form: &Form, errors: &mut Errors) {
    for (field, what) in [
        ("name", "your name"),
        ("street", "street and number"),
        ("postcode", "the postcode"),
        ("city", "the city"),
    ] {
        if form.get(field).is_empty() {
            errors.add(field, format!("Enter {what}: it stands on the invoice."));
        } else if form.get(field).chars().count() > LONGEST {
            errors.add(field, format!("Use at most {LONGEST} characters."));
        } else if form.get(field).chars().any(char::is_control) {
            errors.add(field, "Use one line.".to_owned());
        }
    }
}

/// Notes what is wrong, and gives the VAT number as tax offices write it, if there is one.
pub(in crate::http::pages) fn check(form: &Form, country: Country, errors: &mut Errors) -> Option<String> {
    check_person(form, errors);
    if form.get("reference").chars().count() > LONGEST {
        errors.add("reference", format!("Use at most {LONGEST} characters."));
    } else if form.get("reference").chars().any(char::is_control) {
        errors.add("reference", "Use one line.".to_owned());
    }
    let written = form.get("vat_number");
    if written.is_empty() {
        return None;
    }
    vat_number::parse(written, country).map_err(|why| errors.add("vat_number", why.to_string())).ok()
}

/// What the register says of a number; one that it does not know is an error at its field.
pub(in crate::http::pages) async fn ask_register(
    req: &Req,
    number: Option<&str>,
    errors: &mut Errors,
) -> Option<VatCheck> {
    let check = crate::actors::vat::check(&req.app, number?).await?;
    if check == VatCheck::Refused {
        let words = "The register of the European Union does not know this number. Look at it again, or leave it empty to buy as a private person.";
        errors.add("vat_number", words);
    }
    Some(check)
}

/// Name and address as they stand on the invoice, for the vault.
pub(in crate::http::pages) fn sealed(
    req: &Req,
    form: &Form,
    account: Uuid,
    country: Country,
) -> PersonalValue {
    let mut text = format!(
        "{}\n{}\n{}{EN_SPACE}{}\n{}",
        form.get("name"),
        form.get("street"),
        form.get("postcode"),
        form.get("city"),
        country.name()
    );
    let reference = form.get("reference");
    if !reference.is_empty() {
        text.push_str(&format!("\n{REFERENCE}{reference}"));
    }
    PersonalValue::new(account, "billing_address", req.app.clock.new_id(), text)
}

/// The fields filled with an address that was kept.
pub(super) fn filled(text: &str) -> Form {
    let mut form = Form::default();
    let mut lines = text.lines();
    for field in ["name", "street"] {
        form.push(field, lines.next().unwrap_or_default());
    }
    let place = lines.next().unwrap_or_default();
    let (postcode, city) =
        place.split_once(EN_SPACE).or_else(|| place.rsplit_once(' ')).unwrap_or(("", place));
    form.push("postcode", postcode);
    form.push("city", city);
    let reference = lines.find_map(|line| line.strip_prefix(REFERENCE));
    form.push("reference", reference.unwrap_or_default());
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart_as_it_was_put_together() {
        let form = filled("Mira\nKeizersgracht 1\n1015 CC\u{2002}Den Haag\nNetherlands");
        let of = |field| form.get(field).to_owned();
        assert_eq!((of("name"), of("street")), ("Mira".into(), "Keizersgracht 1".into()));
        assert_eq!((of("postcode"), of("city")), ("1015 CC".into(), "Den Haag".into()));
        assert_eq!(
            filled("Mira\nKeizersgracht 1\n1015 CC Amsterdam\nNL").get("city"),
            "Amsterdam",
            "kept before"
        );
        assert_eq!(filled("").get("city"), "");
        let with = filled("Mira\nGracht 1\n1015 CC\u{2002}Utrecht\nNetherlands\nReference: PO 7");
        assert_eq!((with.get("reference"), with.get("city")), ("PO 7", "Utrecht"));
    }
}
