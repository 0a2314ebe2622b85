//! Works: what can be seen and played, and for their makers what can be done with them.

use super::{
    Endpoint, bad_cursor, body, body_if_any, captions, check_match, cursor, limit, one, only, page, seen,
    takes_nothing, text,
};
use crate::actors::accounts::access_tokens::Scope;
use crate::actors::bus::{Claim, CommandError, Envelope};
use crate::domain::media::{Codec, Filing, Kind, Media, MediaCommand, MediaError, NotShown, Tier, tags};
use crate::domain::shared::{Licence, Slug, derive_id};
use crate::http::delivery::{hidden, is_kept_back, may_edit, may_see, may_watch, signed_base};
use crate::http::player::{is_public_size, picture_url};
use crate::http::{Form, HttpError, Req, Res};
use crate::projections::media::{self as works, Listed, Progress, Work};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use warp::http::Method;

const EDITED: [&str; 9] =
    ["title", "description", "slug", "tier", "licence", "tags", "category", "spoiler", "featured"];

pub(super) fn endpoints() -> Vec<Endpoint> {
    let read = Scope::MediaRead;
    let write = Scope::MediaWrite;
    let act = |path, summary, act: fn(DateTime<Utc>) -> MediaCommand| {
        Endpoint::act(Method::POST, path, write, summary, "Media", move |req| command(req, act))
    };
    vec![
        Endpoint::get(
            "/api/v1/media",
            read,
            "Published works, the newest first; or your own in every state",
            "Media",
            list,
        )
        .list(&[
            ("owner", "`me`: your own works in every state"),
            ("removed", "`1`, with `owner=me`: instead those that were removed and can be brought back"),
            ("limit", "1 to 100"),
            ("cursor", "`next` of the page before"),
        ]),
        Endpoint::get("/api/v1/media/{id}", read, "One work", "Media", show),
        Endpoint::get(
            "/api/v1/media/{id}/playback",
            read,
            "Addresses that play and download a work; they expire",
            "Playback",
            playback,
        ),
        Endpoint::act(
            Method::PATCH,
            "/api/v1/media/{id}",
            write,
            "Describe a work: any of title, description, slug, tier, licence, tags, category, spoiler, featured",
            "Media",
            describe,
        )
        .takes("MediaChange"),
        Endpoint::act(
            Method::POST,
            "/api/v1/media/{id}/publish",
            write,
            "Publish a work now, or at `publish_at`",
            "Media",
            publish,
        )
        .may_take("PublishWish"),
        act("/api/v1/media/{id}/unpublish", "Hide a published work", |at| MediaCommand::Unpublish { at }),
        act("/api/v1/media/{id}/retry", "Try failed processing again", |at| MediaCommand::Retry { at }),
        act("/api/v1/media/{id}/reprocess", "Make all renditions anew", |at| MediaCommand::Reprocess { at }),
        act(
            "/api/v1/media/{id}/withdraw",
            "Take a new file back that does not play yet; the former one stays",
            |at| MediaCommand::WithdrawReplacement { at },
        ),
        Endpoint::act(
            Method::DELETE,
            "/api/v1/media/{id}",
            write,
            "Remove a work; its files are erased after 30 days",
            "Media",
            |req| command(req, |at| MediaCommand::Remove { at }),
        ),
        Endpoint::act(
            Method::POST,
            "/api/v1/media/{id}/restore",
            write,
            "Bring a removed work back, hidden, as long as its files are there",
            "Media",
            restore,
        ),
    ]
}

fn bad(field: &str, words: &str) -> HttpError {
    HttpError::Fields(vec![(field.into(), words.into())])
}

/// A work as programs see it.
pub(super) fn to_json(req: &Req, work: &Work, progress: Option<&Progress>) -> Value {
    let mine = may_edit(req, work);
    let poster = work.poster.as_ref().map(|p| {
        let open = |w: &u32| mine || is_public_size(work.kind, work.tier, &p.widths, *w);
        let sizes: Vec<Value> = p
            .widths
            .iter()
            .filter(|w| open(w))
            .flat_map(|w| ["avif", "jpg"].map(|end| json!({ "width": w, "url": picture_url(work, *w, end) })))
            .collect();
        json!({ "width": p.width, "height": p.height, "sizes": sizes })
    });
    let mut value = json!({
        "id": work.id, "slug": work.slug, "title": work.title,
        "description": if is_kept_back(req, work) { "" } else { &work.description },
        "category": work.filing.category, "spoiler": work.filing.spoiler, "featured": work.filing.featured,
        "kind": work.kind, "tier": work.tier, "licence": work.licence, "tags": work.tags, "publication": work.publication,
        "published_at": work.published_at, "publish_at": work.publish_at, "received_at": work.received_at,
        "state": work.processing, "duration_ms": work.duration_ms, "width": work.width, "height": work.height,
        "captions": work.captions.iter().map(|c| captions::to_json(c, None)).collect::<Vec<_>>(),
        "shot": work.shot, "chapters": work.chapters, "poster": poster, "url": format!("/media/{}", work.slug), "own": req.viewer.id() == Some(work.owner),
    });
    if mine {
        value["processing"] = json!({
            "state": work.processing, "since": work.since, "step": work.step, "reason": work.reason,
            "generation": work.generation, "playable_generation": work.playable,
            "progress": progress.map(|p| json!({ "share": p.share, "step": p.step, "done": p.done, "of": p.of, "running": p.running, "no_room": p.no_room, "paused": p.paused })),
        });
        value["processing"]["replacement"] = work
            .next
            .as_ref()
            .map(|n| json!({ "sha256": n.sha256, "bytes": n.bytes, "kind": n.kind, "received_at": n.received_at }))
            .into();
        value["processing"]["refused_replacement"] =
            work.refused.as_ref().map(|r| json!({ "reason": r.reason, "at": r.at })).into();
        value["processing"]["not_shown"] = work.facts.not_shown.map(NotShown::sentence).into();
        value["original"] = json!({ "sha256": work.sha256, "bytes": work.bytes });
        value["renditions"] = work.renditions.iter().map(rendition).collect();
    }
    value
}

fn rendition(r: &crate::domain::media::Rendition) -> Value {
    json!({ "name": r.name, "codec": r.codec, "width": r.width, "height": r.height, "bytes": r.bytes, "codecs": r.codecs })
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let most = limit(&req)?;
    let from = cursor(&req)?.map(|c| parse(&c)).transpose()?;
    let reader = &req.app.reader;
    let removed = match req.query("removed") {
        "" | "0" => false,
        "1" if req.query("owner") == "me" => true,
        _ => return Err(bad("removed", "This is `1`, together with `owner=me`.")),
    };
    let which = match req.query("owner") {
        "" => Listed::Published,
        "me" if removed => Listed::Removed(req.account()?.id),
        "me" => Listed::Own(req.account()?.id),
        _ => return Err(bad("owner", "Only `me` can be asked for.")),
    };
    let rows = works::listed(reader, which, from, most + 1).await?;
    let more = i64::try_from(rows.len()).unwrap_or(0) > most;
    let rows = &rows[..rows.len().min(usize::try_from(most).unwrap_or(0))];
    let next =
        rows.last().filter(|_| more).map(|w| format!("{} {}", which.time_of(w).timestamp_micros(), w.id));
    let items = rows.iter().map(|w| to_json(&req, w, None)).collect();
    page(&req, items, next)
}

/// A time and an id, as a cursor names the last entry of a page.
pub(super) fn parse(cursor: &str) -> Result<(DateTime<Utc>, Uuid), HttpError> {
    let parts = cursor
        .split_once(' ')
        .and_then(|(at, id)| Some((DateTime::from_timestamp_micros(at.parse().ok()?)?, id.parse().ok()?)));
    parts.ok_or_else(bad_cursor)
}

/// A work that the viewer may know of.
async fn find(req: &Req) -> Result<Work, HttpError> {
    let work = works::by_id(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)?;
    if !may_see(req, &work).await?.allowed && !may_edit(req, &work) {
        return Err(hidden(&work));
    }
    if work.is_removed() {
        return Err(HttpError::Gone("This work was removed.".into()));
    }
    Ok(work)
}

pub(super) async fn find_own(req: &Req) -> Result<Work, HttpError> {
    let work = find(req).await?;
    if may_edit(req, &work) {
        Ok(work)
    } else {
        Err(HttpError::Forbidden("Only its maker and editors may change this work.".into()))
    }
}

async fn whole(req: &Req, work: &Work) -> Result<Value, HttpError> {
    let progress = works::progress(&req.app.reader, &[work.id]).await?;
    Ok(to_json(req, work, progress.first()))
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let work = find(&req).await?;
    one(&req, &whole(&req, &work).await?)
}

async fn playback(req: Req) -> Result<Res, HttpError> {
    let work = find(&req).await?;
    let decision = may_watch(&req, &work).await?;
    if !decision.allowed {
        return Err(match req.viewer.account {
            None => HttpError::SignIn,
            Some(_) => HttpError::Forbidden(decision.reason.sentence().into()),
        });
    }
    if work.playable == 0 {
        return Err(HttpError::Conflict(
            "Nothing of this can be played yet: it is still being processed.".into(),
        ));
    }
    let base = signed_base(&req, &work);
    let original = work.original_name().map(|name| {
        json!({ "name": name, "codec": "original", "bytes": work.bytes, "url": format!("{base}/{name}?download=1") })
    });
    let files: Vec<Value> = work
        .renditions
        .iter()
        .filter(|r| r.name.contains('.'))
        .map(|r| {
            let mut value = rendition(r);
            value["url"] = format!("{base}/{}?download=1", r.name).into();
            value
        })
        .chain(original)
        .collect();
    let hls = work
        .renditions
        .iter()
        .any(|r| matches!(r.codec, Codec::H264 | Codec::Av1 | Codec::Aac | Codec::Opus));
    let streamed = matches!(work.kind, Some(Kind::Video | Kind::Audio)) && hls;
    one(
        &req,
        &json!({
            "id": work.id,
            "hls": streamed.then(|| format!("{base}/master.m3u8")),
            "files": files,
            "captions": work.captions.iter().map(|c| captions::to_json(c, Some(&base))).collect::<Vec<_>>(),
        }),
    )
}

/// The answer after a change: the work as it is then.
pub(super) async fn changed(req: &Req, id: Uuid, position: i64) -> Result<Res, HttpError> {
    if position > 0 {
        req.app.reader.wait_for(position, std::time::Duration::from_secs(2)).await?;
    }
    let work = works::by_id(&req.app.reader, id).await?.ok_or(HttpError::NotFound)?;
    one(req, &whole(req, &work).await?)
}

/// Now, or at the time that the body names.
async fn publish(mut req: Req) -> Result<Res, HttpError> {
    let version = seen::<Media>(&req, req.id_param("id")?).await?;
    let work = find_own(&req).await?;
    let wanted = body_if_any(&mut req).await?;
    only(&wanted, &["publish_at"])?;
    check_match(&req, &whole(&req, &work).await?)?;
    let bad = |words: &str| bad("publish_at", words);
    let at = req.now();
    let command = match text(&wanted, "publish_at")? {
        None => MediaCommand::Publish { at },
        Some(_) if work.is_published() => {
            return Err(HttpError::Conflict(
                "It is published already. Hide it first to publish it later.".into(),
            ));
        }
        Some(time) => {
            let time = DateTime::parse_from_rfc3339(time)
                .map_err(|_| bad("This is a time after RFC 3339, such as 2027-01-31T18:00:00Z."))?;
            MediaCommand::Schedule { publish_at: time.to_utc(), at }
        }
    };
    let id = req.command_id(&Form::default());
    let envelope = Envelope::new(id, work.id, command, req.meta()).having_seen(version);
    match req.app.bus.dispatch::<Media>(envelope).await {
        Ok(receipt) => changed(&req, work.id, receipt.position).await,
        Err(CommandError::Refused(why @ MediaError::TimeHasPassed)) => Err(bad(&why.to_string())),
        Err(other) => Err(other.into()),
    }
}

async fn command(req: Req, act: fn(DateTime<Utc>) -> MediaCommand) -> Result<Res, HttpError> {
    let version = seen::<Media>(&req, req.id_param("id")?).await?;
    let work = find_own(&req).await?;
    command_to(req, &work, version, act).await
}

/// A removed work is there for those only who might have changed it.
async fn restore(req: Req) -> Result<Res, HttpError> {
    let version = seen::<Media>(&req, req.id_param("id")?).await?;
    let work = works::by_id(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)?;
    if !may_edit(&req, &work) {
        return Err(HttpError::NotFound);
    }
    command_to(req, &work, version, |at| MediaCommand::Restore { at }).await
}

async fn command_to(
    mut req: Req,
    work: &Work,
    version: Option<i64>,
    act: fn(DateTime<Utc>) -> MediaCommand,
) -> Result<Res, HttpError> {
    takes_nothing(&mut req).await?;
    check_match(&req, &whole(&req, work).await?)?;
    let id = req.command_id(&Form::default());
    let envelope = Envelope::new(id, work.id, act(req.now()), req.meta()).having_seen(version);
    let receipt = req.app.bus.dispatch::<Media>(envelope).await?;
    changed(&req, work.id, receipt.position).await
}

/// Licence and tags, if the program wants to change one of them.
fn labels(wanted: &Value, work: &Work) -> Result<Option<(Licence, Vec<String>)>, HttpError> {
    let licence = match text(wanted, "licence")? {
        Some(code) => {
            code.parse().map_err(|_| bad("licence", "Take a code such as CC-BY-4.0 or CC0-1.0."))?
        }
        None => work.licence,
    };
    let filed = match &wanted["tags"] {
        Value::Null => work.tags.clone(),
        Value::Array(list) if list.iter().all(Value::is_string) => {
            tags(&list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","))
        }
        _ => return Err(bad("tags", "This is a list of texts.")),
    };
    let same = licence == work.licence && filed == work.tags;
    Ok((!same).then_some((licence, filed)))
}

/// How it is to be filed, if the program wants to change that.
fn filed(wanted: &Value, work: &Work) -> Result<Option<Filing>, HttpError> {
    let mut filing = work.filing.clone();
    match &wanted["category"] {
        Value::Null if wanted.get("category").is_some() => filing.category = None,
        Value::Null => {}
        value => {
            let category = value.as_str().and_then(|text| text.parse().ok());
            let words = "Take artwork, production_file or production_lesson, or null.";
            filing.category = Some(category.ok_or_else(|| bad("category", words))?);
        }
    }
    for (field, flag) in [("spoiler", &mut filing.spoiler), ("featured", &mut filing.featured)] {
        match &wanted[field] {
            Value::Null => {}
            Value::Bool(set) => *flag = *set,
            _ => return Err(bad(field, "This is true or false.")),
        }
    }
    Ok((filing != work.filing).then_some(filing))
}

async fn describe(mut req: Req) -> Result<Res, HttpError> {
    let version = seen::<Media>(&req, req.id_param("id")?).await?;
    let work = find_own(&req).await?;
    let wanted = body(&mut req).await?;
    only(&wanted, &EDITED)?;
    check_match(&req, &whole(&req, &work).await?)?;
    let slug = match text(&wanted, "slug")? {
        Some(slug) => Slug::parse(slug).map_err(|e| bad("slug", &e.to_string()))?,
        None => Slug::parse(&work.slug).map_err(|e| bad("slug", &e.to_string()))?,
    };
    let tier = match text(&wanted, "tier")? {
        Some(tier) => Some(Tier::parse(tier).ok_or_else(|| bad("tier", "It is free or subscriber."))?),
        None => None,
    };
    let labels = labels(&wanted, &work)?;
    let filing = filed(&wanted, &work)?;
    let id = req.command_id(&Form::default());
    let command = MediaCommand::Describe {
        title: text(&wanted, "title")?.unwrap_or(&work.title).to_owned(),
        description: text(&wanted, "description")?.unwrap_or(&work.description).trim_end().to_owned(),
        slug: slug.clone(),
        at: req.now(),
    };
    let claims = vec![Claim::new("media-slug", slug.as_str())];
    let envelope = Envelope::new(id, work.id, command, req.meta()).with_claims(claims).having_seen(version);
    let sent = req.app.bus.dispatch::<Media>(envelope).await;
    let mut done = match sent {
        Ok(receipt) => receipt,
        Err(CommandError::Refused(why @ (MediaError::TitleMissing | MediaError::TitleTooLong(_)))) => {
            return Err(bad("title", &why.to_string()));
        }
        Err(CommandError::Refused(why @ MediaError::DescriptionTooLong(_))) => {
            return Err(bad("description", &why.to_string()));
        }
        Err(CommandError::Taken { .. }) => {
            return Err(bad("slug", "Another work has this address. Choose another one."));
        }
        Err(other) => return Err(other.into()),
    };
    // Each only on what the one before it left.
    let mut further: Vec<(&str, MediaCommand)> = Vec::new();
    let at = req.now();
    further.extend(labels.map(|(licence, tags)| ("labels", MediaCommand::Label { licence, tags, at })));
    further.extend(filing.map(|filing| ("filing", MediaCommand::File { filing, at })));
    further.extend(tier.map(|tier| ("tier", MediaCommand::SetTier { tier, at })));
    let mut position = done.position;
    for (purpose, command) in further {
        let id = derive_id(&id.to_string(), purpose);
        let seen = version.map(|_| done.version);
        let envelope = Envelope::new(id, work.id, command, req.meta()).having_seen(seen);
        done = match req.app.bus.dispatch::<Media>(envelope).await {
            Err(CommandError::Refused(why)) if purpose == "labels" => {
                return Err(bad("tags", &why.to_string()));
            }
            sent => sent?,
        };
        position = position.max(done.position);
    }
    changed(&req, work.id, position).await
}
