//! `/oembed`: what another site shows of a link to us (oEmbed 1.0, type `link`), and `/podcast.rss`.

use super::absolute;
use crate::domain::media::{Codec, Kind, Tier};
use crate::http::delivery::{may_see, may_watch, signed_base};
use crate::http::player::poster;
use crate::http::response::{json, see_other, text, xml};
use crate::http::route::{Access, Route};
use crate::http::ui::format;
use crate::http::{HttpError, Req, Res, hotlink};
use crate::projections::catalogue;
use crate::projections::media::{self as works, Work};
use maud::{PreEscaped, html};
use serde_json::json as value;
use warp::http::StatusCode;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/oembed", Access::Anyone, oembed),
        Route::get("/podcast.rss", Access::Anyone, podcast),
        Route::get("/media/{slug}/file", Access::Anyone, file),
    ]
}

/// The picture of a work for shared links, with its width and height; only sizes that everybody may see.
#[must_use]
pub fn shared_picture(req: &Req, work: &Work) -> Option<(String, u32, u32)> {
    let picture = poster(work, "", false)?;
    let file = picture.files.iter().rev().find(|f| f.kind == "image/jpeg")?;
    let height = u64::from(file.width) * u64::from(picture.height) / u64::from(picture.width.max(1));
    Some((absolute(req, &file.url), file.width, u32::try_from(height).unwrap_or(0)))
}

async fn oembed(req: Req) -> Result<Res, HttpError> {
    if !matches!(req.query("format"), "" | "json") {
        // The answer that the standard has for a form that is not offered.
        let mut res = text("text/plain; charset=utf-8", "Only format=json is offered.");
        *res.status_mut() = StatusCode::NOT_IMPLEMENTED;
        return Ok(res);
    }
    let url = req.query("url");
    let site = req.app.config.site_url();
    let path = url.strip_prefix(&site).and_then(|rest| rest.split(['?', '#']).next()).unwrap_or("");
    let slug = path.strip_prefix("/media/").filter(|s| !s.is_empty() && !s.contains('/'));
    let work = works::by_slug(&req.app.reader, slug.ok_or(HttpError::NotFound)?).await?;
    let work = work.filter(Work::is_published).ok_or(HttpError::NotFound)?;
    if !may_see(&req, &work).await?.allowed {
        return Err(HttpError::NotFound);
    }
    let studio = &req.app.config.studio.name;
    let mut answer = value!({
        "version": "1.0", "type": "link", "title": work.title,
        "provider_name": studio, "provider_url": site, "cache_age": 3600,
    });
    if let Some((picture, width, height)) = shared_picture(&req, &work) {
        answer["thumbnail_url"] = value!(picture);
        answer["thumbnail_width"] = value!(width);
        answer["thumbnail_height"] = value!(height);
    }
    json(StatusCode::OK, &answer)
}

/// The file of a work under an address that lasts: leads to a signed one for whom may have it.
async fn file(req: Req) -> Result<Res, HttpError> {
    let work = works::by_slug(&req.app.reader, req.param("slug")).await?.ok_or(HttpError::NotFound)?;
    if !may_watch(&req, &work).await?.allowed {
        return Err(HttpError::NotFound);
    }
    let name = download(&work).ok_or(HttpError::NotFound)?.0;
    let mut res = see_other(&format!("{}/{name}", signed_base(&req, &work)));
    hotlink::share(&req, &mut res);
    Ok(res)
}

/// The one file of a work that plays anywhere: name, type, bytes.
fn download(work: &Work) -> Option<(&str, &'static str, u64)> {
    let file = work.renditions.iter().find(|r| r.name.starts_with("download."))?;
    let kind = if file.codec == Codec::Aac || file.width == 0 { "audio/mp4" } else { "video/mp4" };
    Some((&file.name, kind, file.bytes))
}

/// Free films and sounds as a podcast: what a program without an account may fetch.
async fn podcast(req: Req) -> Result<Res, HttpError> {
    let mut items: Vec<Work> = Vec::new();
    for row in catalogue::latest_works(&req.app.reader, 200).await? {
        let plays = matches!(row.state.kind, Some(Kind::Video | Kind::Audio)) && row.state.tier == Tier::Free;
        if plays && let Some(work) = works::by_id(&req.app.reader, row.id).await? {
            items.push(work);
        }
    }
    let studio = &req.app.config.studio;
    let rows = items.iter().filter_map(|w| Some((w, download(w)?, w.published_at?)));
    let document = html! {
        (PreEscaped("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"))
        rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:atom="http://www.w3.org/2005/Atom" {
            channel {
                title { (studio.name) }
                (PreEscaped(format!("<link>{}</link><atom:link rel=\"self\" type=\"application/rss+xml\" href=\"{}\"/>", absolute(&req, "/"), absolute(&req, "/podcast.rss"))))
                description { (studio.tagline) }
                language { "en" }
                itunes:explicit { "false" }
                @for (work, (_, kind, bytes), at) in rows {
                    @let page = absolute(&req, &format!("/media/{}", work.slug));
                    item {
                        title { (work.title) }
                        (PreEscaped(format!("<link>{page}</link><enclosure url=\"{page}/file\" length=\"{bytes}\" type=\"{kind}\"/>")))
                        guid isPermaLink="false" { "urn:uuid:" (work.id) }
                        pubDate { (at.to_rfc2822()) }
                        description { (crate::http::ui::plain_text(work.open_description())) }
                        itunes:duration { (format::clock(work.duration_ms / 1000)) }
                    }
                }
            }
        }
    };
    Ok(xml("application/rss+xml; charset=utf-8", document))
}
