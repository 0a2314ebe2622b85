//! A coupon on the way through joining: what it gives, and that it is used.

use crate::actors::accounts::AccountsError;
use crate::actors::accounts::limits::Buckets;
use crate::actors::bus::{CommandError, Envelope};
use crate::domain::coupon::{Coupon, CouponCommand, CouponError, coupon_id, parse_code};
use crate::domain::shared::calendar::Zone;
use crate::domain::shared::discount::Discount;
use crate::domain::shared::{Money, derive_id};
use crate::http::error::HttpError;
use crate::http::{Form, Req};
use crate::projections::coupons;
use std::time::Duration;
use uuid::Uuid;
use warp::http::Method;

fn redeem(req: &Req, price: Money, subscription: Uuid) -> Result<CouponCommand, HttpError> {
    let zone = Zone::parse(&req.app.config.studio.zone).map_err(|e| HttpError::Internal(e.to_string()))?;
    let (account, at) = (req.account()?.id, req.now());
    Ok(CouponCommand::Redeem { subscription, account, price, today: zone.date_of(at), at })
}

/// One sentence for every code that does not help: who guesses does not learn which ones there are.
const NO_USE: &str = "This code cannot be used. Look at the spelling.";

/// What is wrong, for who typed the code. What the person knows anyway is said.
fn words(why: &CouponError) -> String {
    match why {
        CouponError::UsedBefore | CouponError::DoesNotFit => why.to_string(),
        _ => NO_USE.into(),
    }
}

/// What a code would give for a period of `price`; nothing for an empty one. The inner error is the sentence
/// for who typed it. Wrong codes are counted, and after too many of them none is looked at for a while.
pub(super) async fn look(
    req: &Req,
    typed: &str,
    price: Money,
    subscription: Uuid,
) -> Result<Result<Option<Discount>, String>, HttpError> {
    if typed.is_empty() {
        return Ok(Ok(None));
    }
    let who = req.account()?.id.to_string();
    let guesses = Buckets::new(&req.app, "coupon", &who, Some(req.remote))?;
    match guesses.check(&req.app, req.now()).await {
        Ok(()) => {}
        Err(AccountsError::TooMany(seconds)) => {
            let why = "Too many codes were wrong lately. Try again later, or join without one.".to_owned();
            if req.method == Method::POST {
                // What was typed beside it is not lost.
                return Ok(Err(why));
            }
            return Err(HttpError::TooMany { why, retry_after: Duration::from_secs(seconds) });
        }
        Err(other) => return Err(HttpError::Internal(other.to_string())),
    }
    let coupon = match parse_code(typed) {
        Ok(code) => coupons::one(&req.app.reader, coupon_id(&code)).await?,
        Err(_) => None,
    };
    let Some(coupon) = coupon else {
        guesses.count(&req.app, req.now()).await?;
        return Ok(Err(NO_USE.into()));
    };
    Ok(match coupon.decide(redeem(req, price, subscription)?) {
        Ok(_) => Ok(coupon.discount()),
        Err(why) => {
            if !matches!(why, CouponError::UsedBefore | CouponError::DoesNotFit) {
                guesses.count(&req.app, req.now()).await?;
            }
            Err(words(&why))
        }
    })
}

/// Uses the coupon for `subscription`: before the order, so that none is used more often than it may be.
pub(super) async fn spend(
    req: &Req,
    form: &Form,
    discount: &Discount,
    price: Money,
    subscription: Uuid,
) -> Result<Result<(), String>, HttpError> {
    let id = derive_id(&req.command_id(form).to_string(), "coupon");
    let command = redeem(req, price, subscription)?;
    match req.app.bus.dispatch::<Coupon>(Envelope::new(id, discount.coupon, command, req.meta())).await {
        Ok(_) => Ok(Ok(())),
        Err(CommandError::Refused(why)) => Ok(Err(words(&why))),
        Err(other) => Err(other.into()),
    }
}
