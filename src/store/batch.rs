//! A batch step by step under the lock of the head row: two round trips, whatever the number of
//! appends, and an exact answer to each.

use super::journal::{Append, AppendError, Receipt};
use super::left::Tail;
use super::ruling::{Known, Rows, Ruling, rule};
use super::{Claim, StoreError};
use chrono::{DateTime, SubsecRound, Utc};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

type Params<'a, const N: usize> = [&'a (dyn ToSql + Sync); N];
type Answers = Vec<Result<Receipt, AppendError>>;

/// The prepared statements of a writer's session.
pub(super) struct Locked {
    lock_head: Statement,
    receipts: Statement,
    versions: Statement,
    claims: Statement,
    insert_events: Statement,
    insert_receipts: Statement,
    insert_vault: Statement,
    insert_claims: Statement,
    delete_claims: Statement,
    move_head: Statement,
}

impl Locked {
    pub async fn prepare(c: &Client) -> Result<Self, StoreError> {
        Ok(Self {
            lock_head: c.prepare("select position, hash from log_head where log_id = 1 for update").await?,
            receipts: c
                .prepare("select command_id, position, version from command_receipts where log_id = 1 and command_id = any($1)")
                .await?,
            versions: c
                .prepare(
                    "select s, (select max(version) from events where log_id = 1 and stream_id = s)
                     from unnest($1::text[]) s",
                )
                .await?,
            claims: c
                .prepare(
                    "select c.namespace, c.key, c.owner from unnest($1::text[], $2::text[]) as w(namespace, key)
                     join claims c on c.namespace = w.namespace and c.key = w.key",
                )
                .await?,
            insert_events: c
                .prepare(
                    "insert into events (position, stream_id, version, type, type_version, command_id, ix, recorded_at, effective_at, payload, metadata, hash)
                     select p, s, v, t, tv, c, i, $8, e, pl::json, m::json, h
                     from unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::smallint[], $6::uuid[], $7::smallint[],
                                 $9::timestamptz[], $10::text[], $11::text[], $12::bytea[]) as x(p, s, v, t, tv, c, i, e, pl, m, h)",
                )
                .await?,
            insert_receipts: c
                .prepare(
                    "insert into command_receipts (command_id, stream_id, position, version, recorded_at)
                     select c, s, p, v, $5 from unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[]) as x(c, s, p, v)",
                )
                .await?,
            insert_vault: c
                .prepare(
                    "insert into vault (subject, field, version, ciphertext)
                     select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::bytea[]) on conflict do nothing",
                )
                .await?,
            insert_claims: c
                .prepare(
                    "insert into claims (namespace, key, owner)
                     select * from unnest($1::text[], $2::text[], $3::text[]) on conflict do nothing",
                )
                .await?,
            delete_claims: c
                .prepare(
                    "delete from claims c using unnest($1::text[], $2::text[], $3::text[]) as x(n, k, o)
                     where c.namespace = x.n and c.key = x.k and c.owner = x.o",
                )
                .await?,
            move_head: c.prepare("update log_head set position = $1, hash = $2 where log_id = 1").await?,
        })
    }
}

/// Writes what fits of `appends` in one transaction and answers each; the end of the log comes back too.
pub(super) async fn write(
    c: &Client,
    s: &Locked,
    appends: &[&Append],
    now: DateTime<Utc>,
    generation: u64,
) -> Result<(Answers, Tail), StoreError> {
    let recorded_at = now.trunc_subsecs(6);
    let ids: Vec<Uuid> = appends.iter().map(|a| a.command_id).collect();
    let streams: Vec<&str> = appends.iter().map(|a| a.stream_id.as_str()).collect();
    let wanted = || appends.iter().flat_map(|a| &a.claims);
    let namespaces: Vec<&str> = wanted().map(|c| c.namespace.as_str()).collect();
    let keys: Vec<&str> = wanted().map(|c| c.key.as_str()).collect();
    // Sent together; PostgreSQL executes them in this order, each with a snapshot taken after the
    // head row was locked, so what they read cannot change before our commit.
    let (by_id, by_stream, by_key): (Params<'_, 1>, Params<'_, 1>, Params<'_, 2>) =
        ([&ids], [&streams], [&namespaces, &keys]);
    let (_, head, receipts, versions, claims) = tokio::try_join!(
        biased;
        c.batch_execute("begin"),
        c.query_one(&s.lock_head, &[]),
        c.query(&s.receipts, &by_id),
        c.query(&s.versions, &by_stream),
        c.query(&s.claims, &by_key),
    )?;
    let known = Known {
        position: head.get(0),
        hash: head.get(1),
        receipts: receipts
            .iter()
            .map(|r| (r.get(0), Receipt { position: r.get(1), version: r.get(2), replayed: true }))
            .collect(),
        versions: versions.iter().map(|r| (r.get(0), r.get::<_, Option<i64>>(1).unwrap_or(0))).collect(),
        owners: claims
            .iter()
            .map(|r| (Claim::new(r.get::<_, String>(0), r.get::<_, String>(1)), r.get(2)))
            .collect(),
        generation,
    };
    let Ruling { answers, accepted, rows, held, position, hash } = rule(known, appends, recorded_at);
    if accepted.is_empty() {
        c.batch_execute("rollback").await?;
        return Ok((answers, Tail { position, hash }));
    }
    commit(c, s, (&rows, &held), &accepted, recorded_at, position, &hash).await?;
    Ok((answers, Tail { position, hash }))
}

async fn commit(
    c: &Client,
    s: &Locked,
    (r, held): (&Rows, &[(&Claim, &str)]),
    accepted: &[(&Append, Receipt)],
    recorded_at: DateTime<Utc>,
    position: i64,
    hash: &[u8],
) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = accepted.iter().map(|(a, _)| a.command_id).collect();
    let streams: Vec<&str> = accepted.iter().map(|(a, _)| a.stream_id.as_str()).collect();
    let positions: Vec<i64> = accepted.iter().map(|(_, r)| r.position).collect();
    let versions: Vec<i64> = accepted.iter().map(|(_, r)| r.version).collect();
    let sealed = || accepted.iter().flat_map(|(a, _)| &a.vault);
    let subjects: Vec<Uuid> = sealed().map(|v| v.reference.subject).collect();
    let fields: Vec<&str> = sealed().map(|v| v.reference.field.as_str()).collect();
    let value_versions: Vec<Uuid> = sealed().map(|v| v.reference.version).collect();
    let ciphertexts: Vec<&[u8]> = sealed().map(|v| v.ciphertext.as_slice()).collect();
    let given: Vec<_> =
        accepted.iter().flat_map(|(a, _)| a.releases.iter().map(|c| (c, a.stream_id.as_str()))).collect();
    let (taken, given) = (columns(held), columns(&given));
    let events: Params<'_, 12> = [
        &r.position,
        &r.stream,
        &r.version,
        &r.kind,
        &r.type_version,
        &r.command,
        &r.ix,
        &recorded_at,
        &r.effective,
        &r.payload,
        &r.metadata,
        &r.hash,
    ];
    let receipts: Params<'_, 5> = [&ids, &streams, &positions, &versions, &recorded_at];
    let vault: Params<'_, 4> = [&subjects, &fields, &value_versions, &ciphertexts];
    let given: Params<'_, 3> = [&given.0, &given.1, &given.2];
    let taken: Params<'_, 3> = [&taken.0, &taken.1, &taken.2];
    let head: Params<'_, 2> = [&position, &hash];
    // In this order: of what is refused the reason comes first, then only that the transaction is over.
    tokio::try_join!(
        biased;
        c.execute(&s.insert_events, &events),
        c.execute(&s.insert_receipts, &receipts),
        c.execute(&s.insert_vault, &vault),
        c.execute(&s.delete_claims, &given),
        c.execute(&s.insert_claims, &taken),
        c.execute(&s.move_head, &head),
        c.batch_execute("commit"),
    )?;
    Ok(())
}

type ClaimColumns<'a> = (Vec<&'a str>, Vec<&'a str>, Vec<&'a str>);

fn columns<'a>(claims: &[(&'a Claim, &'a str)]) -> ClaimColumns<'a> {
    let mut out = ClaimColumns::default();
    for (claim, stream) in claims {
        out.0.push(&claim.namespace);
        out.1.push(&claim.key);
        out.2.push(stream);
    }
    out
}
