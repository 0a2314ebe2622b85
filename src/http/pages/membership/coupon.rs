//! A coupon on the way through joining: what it gives, and that it is used.

use crate::actors::bus::{CommandError, Envelope};
use crate::domain::coupon::{Coupon, CouponCommand, CouponError, coupon_id, parse_code};
use crate::domain::shared::calendar::Zone;
use crate::domain::shared::discount::Discount;
use crate::domain::shared::{Money, derive_id};
use crate::http::error::HttpError;
use crate::http::{Form, Req};
use crate::projections::coupons;
use uuid::Uuid;

fn redeem(req: &Req, price: Money, subscription: Uuid) -> Result<CouponCommand, HttpError> {
    let zone = Zone::parse(&req.app.config.studio.zone).map_err(|e| HttpError::Internal(e.to_string()))?;
    let (account, at) = (req.account()?.id, req.now());
    Ok(CouponCommand::Redeem { subscription, account, price, today: zone.date_of(at), at })
}

/// What a code would give for a period of `price`; nothing for an empty one. The inner error is the sentence
/// for who typed it.
pub(super) async fn look(
    req: &Req,
    typed: &str,
    price: Money,
    subscription: Uuid,
) -> Result<Result<Option<Discount>, String>, HttpError> {
    if typed.is_empty() {
        return Ok(Ok(None));
    }
    let Ok(code) = parse_code(typed) else { return Ok(Err(CouponError::Missing.to_string())) };
    let Some(coupon) = coupons::one(&req.app.reader, coupon_id(&code)).await? else {
        return Ok(Err(CouponError::Missing.to_string()));
    };
    Ok(match coupon.decide(redeem(req, price, subscription)?) {
        Ok(_) => Ok(coupon.discount()),
        Err(why) => Err(why.to_string()),
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
        Err(CommandError::Refused(why)) => Ok(Err(why.to_string())),
        Err(other) => Err(other.into()),
    }
}
