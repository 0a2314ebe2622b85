// The main pages by who looks at them; a path that ends in `/*` is the first one its list links to.
export const pages = {
  visitor: ['/', '/films', '/films/*', '/films/city-at-night/logs', '/films/city-at-night/logs/*', '/films/*/gallery', '/characters', '/characters/*', '/courses', '/courses/*', '/posts', '/posts/*', '/search?q=bunny', '/statistics', '/join', '/gift', '/login', '/register', '/about', '/legal/privacy'],
  member: ['/account', '/account/library', '/account/notifications', '/account/security', '/account/security/second-factor', '/account/security/passkeys', '/account/security/confirm', '/account/tokens', '/account/export', '/account/deletion'],
  subscriber: ['/', '/films/*', '/account/subscription', '/account/subscription/plan', '/account/payment-methods', '/account/gifts', '/redeem', '/gift/*', '/account/invoices', '/account/invoices/*'],
  creator: ['/studio', '/studio/uploads', '/studio/characters', '/studio/characters/new', '/studio/characters/*', '/studio/logs', '/studio/logs/new', '/studio/logs/*'],
  editor: ['/studio/site', '/studio/site/texts/about'],
  moderator: ['/moderation', '/moderation/registrations', '/moderation/invitations', '/moderation/comments', '/moderation/waves', '/moderation/waves?find=yes&mail=.', '/moderation/deletions'],
  billing: ['/billing', '/billing/subscriptions', '/billing/subscriptions/*', '/billing/subscriptions/*/what-if', '/billing/orders', '/billing/orders/*', '/billing/orders/*/refund', '/billing/refunds', '/billing/approvals', '/billing/invoices', '/billing/invoices/*', '/billing/people', '/billing/people/*', '/billing/people/*/subscription', '/billing/reports', '/billing/reports/vat', '/billing/reports/oss', '/billing/plans', '/billing/coupons', '/billing/gifts', '/billing/tax-rates', '/billing/bank', '/billing/direct-debits'],
  operator: ['/operator', '/operator/runs', '/operator/queue'],
};

// `/films/*` is the first film that is linked on `/films`; what follows the star is put behind it.
export async function resolve(page, path) {
  const star = path.indexOf('/*');
  if (star < 0) return path;
  const list = path.slice(0, star);
  await page.goto(list);
  const first = page.locator(`main a[href^="${list}/"]:not([href*="."])`).first();
  const link = await first.getAttribute('href', { timeout: 3000 }).catch(() => null);
  return link && link + path.slice(star + 2);
}
