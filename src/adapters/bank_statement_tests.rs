use super::*;

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::eur())
}

const CAMT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>
<Acct><Id><IBAN>NL02ABNA0123456789</IBAN></Id></Acct>
<Ntry><Amt Ccy="EUR">11.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-25</Dt></BookgDt>
 <AcctSvcrRef>B1</AcctSvcrRef><NtryDtls><TxDtls><RmtInf><Strd><CdtrRefInf><Ref>RF18K123</Ref></CdtrRefInf></Strd></RmtInf></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="EUR">30.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><DtTm>2026-11-26T09:00:00</DtTm></BookgDt>
 <AcctSvcrRef>B2</AcctSvcrRef><NtryDtls>
 <TxDtls><Amt Ccy="EUR">10.00</Amt><RmtInf><Ustrd>first</Ustrd></RmtInf></TxDtls>
 <TxDtls><AmtDtls><TxAmt><Amt Ccy="EUR">20.00</Amt></TxAmt></AmtDtls><RmtInf><Ustrd>second</Ustrd><Ustrd>half</Ustrd></RmtInf></TxDtls>
 </NtryDtls></Ntry>
<Ntry><Amt Ccy="EUR">9.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-11-26</Dt></BookgDt></Ntry>
<Ntry><Amt Ccy="EUR">5.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>PDNG</Sts><BookgDt><Dt>2026-11-26</Dt></BookgDt></Ntry>
</Stmt></BkToCstmrStmt></Document>"#;

#[test]
fn a_camt_file_gives_what_came_with_its_references_and_the_parts_of_collected_entries() {
    let statement = read(CAMT.as_bytes(), Currency::eur()).expect("read");
    let found: Vec<_> = statement
        .credits
        .iter()
        .map(|c| (c.amount.minor, c.booked_on.to_string(), c.words.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (1150, "2026-11-25".to_owned(), "RF18K123"),
            (1000, "2026-11-26".to_owned(), "first"),
            (2000, "2026-11-26".to_owned(), "second half"),
        ]
    );
    assert_eq!(statement.debits, 1);
    assert_eq!(
        read(CAMT.as_bytes(), Currency::eur()).expect("again"),
        statement,
        "ids are the same in every file"
    );
    let ids: std::collections::BTreeSet<_> = statement.credits.iter().map(|c| &c.id).collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn tables_of_several_banks_are_read() {
    let german = "Buchungstag;Verwendungszweck;Betrag;Währung\n25.11.2026;RF18 K123;1.234,56;EUR\n26.11.2026;Miete;-800,00;EUR\n\n";
    let statement = read(german.as_bytes(), Currency::eur()).expect("read");
    assert_eq!((statement.credits.len(), statement.debits), (1, 1));
    assert_eq!(
        (statement.credits[0].amount, statement.credits[0].words.as_str()),
        (eur(123_456), "RF18 K123")
    );

    let english = "\u{feff}Date,Description,Reference,Amount,Id\n2026-11-25,\"a, b\",RF18K123,\"1,234.56\",77\n2026-11-25,x,,11.5,78\n";
    let statement = read(english.as_bytes(), Currency::eur()).expect("read");
    assert_eq!(statement.credits[0].amount, eur(123_456));
    assert_eq!(statement.credits[0].words, "a, b RF18K123");
    assert_eq!(statement.credits[1].amount, eur(1150));

    // Latin-1, as older programs write it.
    let mut latin = b"Buchungstag;Verwendungszweck;Betrag;W\xe4hrung\n".to_vec();
    latin.extend(b"25.11.2026;RF18K123;11,50;EUR\n");
    assert_eq!(read(&latin, Currency::eur()).expect("read").credits[0].amount, eur(1150));
}

#[test]
fn a_table_tells_direct_debits_that_came_back_from_other_money_that_went() {
    let reasons = |file: &str| {
        let statement = read(file.as_bytes(), Currency::eur()).expect("read");
        let told: Vec<(String, i64)> =
            statement.returns.iter().map(|r| (r.reason.clone(), r.amount.minor)).collect();
        (told, statement.credits.len(), statement.debits)
    };
    let german = "Buchungstag;Verwendungszweck;Betrag;Rückgabegrund\n25.11.2026;RF18K123;-14,50;AM04\n\
                  25.11.2026;Rücklastschrift RF18K124;-11,50;\n25.11.2026;Erstattung RF18K125;-5,00;\n\
                  25.11.2026;RF18K126;11,50;\n";
    assert_eq!(reasons(german), (vec![("AM04".into(), 1450), ("MS03".into(), 1150)], 1, 1));
    let in_words = "date;amount;description\n2026-11-25;-11.50;RETURN RF18K123 MD06 refund request\n\
                    2026-11-25;-11.50;AM04X K123\n2026-11-25;-3.00;fee\n";
    assert_eq!(reasons(in_words), (vec![("MD06".into(), 1150)], 0, 2));
    // Banks that write amounts without a sign say the side in a column.
    let dutch = "Datum;Omschrijving;Af Bij;Bedrag (EUR)\n20261125;huur;Af;800,00\n\
                 20261125;Storno incasso RF18K123;Af;11,50\n20261125;RF18K124;Bij;11,50\n";
    assert_eq!(reasons(dutch), (vec![("MS03".into(), 1150)], 1, 1));
    let bad = read(b"date;amount;description\nsoon;-5;AM04\n", Currency::eur()).expect_err("refused");
    assert!(bad.to_string().contains("soon is no date"));
}

#[test]
fn two_equal_lines_without_numbers_are_two_payments() {
    let file = "date;amount;description\n2026-11-25;5.00;x\n2026-11-25;5.00;x\n";
    let statement = read(file.as_bytes(), Currency::eur()).expect("read");
    assert_ne!(statement.credits[0].id, statement.credits[1].id);
}

#[test]
fn amounts_are_read_as_they_are_written() {
    for (text, minor) in [
        ("11,50", 1150),
        ("11.5", 1150),
        ("1.234,56", 123_456),
        ("1,234.56 €", 123_456),
        ("1.234.567", 123_456_700),
        ("1.234.567,8", 123_456_780),
        ("1 234,56", 123_456),
        ("1\u{a0}234,56", 123_456),
        ("1'234.56", 123_456),
        ("+12", 1200),
        ("+ 12", 1200),
        ("1234567", 123_456_700),
        ("EUR 12.00", 1200),
        ("12,00 eur", 1200),
        ("€12", 1200),
        ("-12,00", -1200),
        ("- 12,00", -1200),
        ("12,00-", -1200),
        ("\u{2212}12", -1200),
        ("0,50", 50),
    ] {
        let plain = plain_amount(text, Currency::eur()).expect(text);
        assert_eq!(Money::parse(&plain, Currency::eur()), Ok(eur(minor)), "{text}");
    }
    let of = |text: &str, code: &str| plain_amount(text, Currency::parse(code).expect("known"));
    assert_eq!(of("1,234", "JPY").as_deref(), Ok("1234"));
    assert_eq!(of("1.234", "KWD").as_deref(), Ok("1.234"));
}

#[test]
fn an_amount_that_is_none_or_can_be_read_in_two_ways_is_not_guessed() {
    let bad = |amount: &str| {
        let file = format!("date;amount;description\n2026-11-25;{amount};x\n");
        read(file.as_bytes(), Currency::eur()).expect_err(amount).to_string()
    };
    for two in ["11.500", "1.234", "1,234", "0.123", "-1.234"] {
        assert!(bad(two).contains("two ways"), "{two}: {}", bad(two));
    }
    for none in
        ["1e3", "0x10", "12a", "1.2.3", "1.23,45,6", "12 USD", "--5", "5-3", "٥", "€", "-", "1..2", "NaN"]
    {
        assert!(bad(none).starts_with("Entry 1 cannot be read"), "{none}: {}", bad(none));
    }
    assert!(bad("11.5055").contains("2 digits") || bad("11.5055").contains("Entry 1"));
}

#[test]
fn malformed_files_are_refused_whole_with_a_sentence() {
    let bad = |text: &str| read(text.as_bytes(), Currency::eur()).expect_err("refused").to_string();
    assert!(bad("").contains("neither a CAMT.053"));
    assert!(bad("%PDF-1.7").contains("neither a CAMT.053"));
    assert!(bad("<html><body/></html>").contains("no BkToCstmrStmt"));
    assert!(bad("<Document><BkToCstmrStmt>").contains("no bank statement"));
    assert!(bad("date;description\n2026-11-25;x\n").contains("no column for the amount"));
    assert!(bad("date;amount;description\nsoon;5;x\n").contains("soon is no date"));
    assert!(bad("date;amount;description\n2026-11-25;five;x\n").contains("Entry 1"));
    assert!(bad("date;amount;currency;description\n2026-11-25;5;XYZ;x\n").contains("Entry 1"));
    let torn = CAMT.replace("<Amt Ccy=\"EUR\">11.50</Amt>", "<Amt>11.50</Amt>");
    assert!(bad(&torn).contains("Entry 1"));
    // Entities that grow are not expanded.
    let bomb = "<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><Document>&b;</Document>";
    assert!(bad(bomb).contains("no bank statement"));
    let many = format!("date;amount;description\n{}", "2026-11-25;5;x\n".repeat(50_001));
    assert!(bad(&many).contains("more than 50000 entries"));
}

#[test]
fn direct_debits_that_came_back_are_told_from_other_money_that_went() {
    let entry = |direction: &str, status: &str, details: &str| {
        format!(
            "<Ntry><Amt Ccy=\"EUR\">23.00</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>{status}</Cd></Sts>\
             <BookgDt><Dt>2026-12-09</Dt></BookgDt><AcctSvcrRef>B9</AcctSvcrRef><NtryDtls>{details}</NtryDtls></Ntry>"
        )
    };
    let part = |amount: &str, reference: &str, reason: &str| {
        format!(
            "<TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs><Amt Ccy=\"EUR\">{amount}</Amt>\
             <RtrInf><Rsn>{reason}</Rsn></RtrInf></TxDtls>"
        )
    };
    let two = part("11.50", "RF18K1", "<Cd>AM04</Cd>") + &part("11.50", "RF18K2", "<Prtry>X 1!</Prtry>");
    let file =
        |entries: &str| format!("<Document><BkToCstmrStmt><Stmt>{entries}</Stmt></BkToCstmrStmt></Document>");
    let all = [
        entry("DBIT", "BOOK", &two),
        entry("DBIT", "PDNG", &part("11.50", "RF18K3", "<Cd>AC04</Cd>")),
        entry("DBIT", "BOOK", "<TxDtls><RmtInf><Ustrd>rent</Ustrd></RmtInf></TxDtls>"),
    ];
    let statement = read(file(&all.concat()).as_bytes(), Currency::eur()).expect("read");
    let found: Vec<_> = statement
        .returns
        .iter()
        .map(|r| (r.amount.minor, r.reason.as_str(), r.words.as_str(), r.booked_on.to_string()))
        .collect();
    let day = || "2026-12-09".to_owned();
    assert_eq!(found, [(1150, "AM04", "RF18K1", day()), (1150, "X1", "RF18K2", day())]);
    assert_ne!(statement.returns[0].id, statement.returns[1].id);
    assert_eq!((statement.debits, statement.credits.len()), (2, 0));
    let bad = entry("DBIT", "BOOK", &part("much", "RF18K1", "<Cd>AM04</Cd>"));
    assert!(read(file(&bad).as_bytes(), Currency::eur()).is_err(), "nothing of a broken file is used");
}
