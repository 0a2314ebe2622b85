// The main pages by who looks at them; a path that ends in `/*` is the first one its list links to.
export const pages = {
  visitor: ['/', '/films', '/films/*', '/films/city-at-night/logs', '/films/city-at-night/logs/*', '/films/*/gallery', '/characters', '/characters/*', '/courses', '/courses/*', '/posts', '/posts/*', '/search?q=bunny', '/statistics', '/join', '/gift', '/login', '/register', '/about', '/legal/privacy', '/legal/terms', '/legal/imprint', '/accessibility', '/faq', '/confirm', '/reset', '/reset/sent', '/courses/*/*', '/films/*/credits', '/films/*/training'],
  member: ['/account', '/account/library', '/account/notifications', '/account/security', '/account/security/second-factor', '/account/security/passkeys', '/account/security/confirm', '/account/tokens', '/account/export', '/account/deletion'],
  subscriber: ['/', '/films/*', '/account/subscription/billing', '/account/subscription', '/account/subscription/plan', '/account/subscription/withdraw', '/account/payment-methods', '/account/gifts', '/redeem', '/gift/*/order', '/account/invoices', '/account/invoices/*'],
  creator: ['/studio', '/studio/uploads', '/studio/removed', '/studio/media/*', '/studio/media/*/shot', '/studio/films', '/studio/films/new', '/studio/films/*', '/studio/films/*/collections', '/studio/films/*/collections/new', '/studio/films/*/pages/new', '/studio/courses', '/studio/courses/new', '/studio/courses/*', '/studio/courses/*/lessons/new', '/studio/courses/*/lessons/*', '/studio/posts', '/studio/posts/new', '/studio/posts/*', '/studio/characters/*/versions/new', '/studio/characters', '/studio/characters/new', '/studio/characters/*', '/studio/logs', '/studio/logs/new', '/studio/logs/*', '/studio/hand-over'],
  editor: ['/studio/uploads', '/studio/site', '/studio/site/texts/about', '/studio/hand-over'],
  moderator: ['/moderation', '/moderation/people/*', '/moderation/registrations', '/moderation/invitations', '/moderation/comments', '/moderation/waves', '/moderation/waves?find=yes&mail=.', '/moderation/deletions', '/moderation/mails', '/moderation/mails/*', '/moderation/mail-kinds', '/moderation/mail-kinds/*'],
  billing: ['/billing', '/billing/subscriptions', '/billing/subscriptions/*', '/billing/subscriptions/*/what-if', '/billing/subscriptions/*/end', '/billing/orders', '/billing/orders/*', '/billing/orders/*/refund', '/billing/payments', '/billing/refunds', '/billing/credits', '/billing/credits/*', '/billing/credits/*/pay-out', '/billing/approvals', '/billing/invoices', '/billing/invoices/*', '/billing/people', '/billing/people/*', '/billing/people/*/subscription', '/billing/people/*/merge', '/billing/reports', '/billing/reports/vat', '/billing/reports/oss', '/billing/plans', '/billing/coupons', '/billing/gifts', '/billing/tax-rates', '/billing/exchange-rates', '/billing/bank', '/billing/direct-debits', '/billing/mails', '/billing/mail-kinds', '/billing/proof'],
  operator: ['/operator', '/operator/runs', '/operator/queue'],
};

// Lists that stand on another page than the one above their entries.
const LISTS = { '/studio/media': '/studio/uploads', '/moderation/people': '/moderation' };

// `/films/*` is the first film that is linked on `/films`, or on the page above it; what follows the star is put behind it.
export async function resolve(page, path) {
  for (let star; (star = path.indexOf('/*')) >= 0;) {
    const list = path.slice(0, star);
    const answer = await page.goto(LISTS[list] ?? list);
    if (answer.status() !== 200) await page.goto(list.slice(0, list.lastIndexOf('/')));
    const links = await page.locator(`main a[href^="${list}/"]`).evaluateAll((all) => all.map((a) => a.getAttribute('href')));
    const names = links.map((link) => link.slice(list.length + 1).split(/[/?#]/)[0]);
    const first = names.find((name) => name && name !== 'new' && !name.includes('.'));
    if (!first) return null;
    path = `${list}/${first}${path.slice(star + 2)}`;
  }
  return path;
}
