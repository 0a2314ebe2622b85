// The main pages by who looks at them; a path that ends in `/*` is the first one its list links to.
export const pages = {
  visitor: ['/', '/films', '/films/*', '/courses', '/courses/*', '/posts', '/posts/*', '/search?q=salt', '/join', '/login', '/register'],
  member: ['/account', '/account/security', '/account/tokens', '/account/deletion'],
  subscriber: ['/films/*', '/account/subscription'],
  creator: ['/studio', '/studio/uploads'],
  moderator: ['/moderation'],
  billing: ['/billing', '/billing/subscriptions', '/billing/subscriptions/*', '/billing/orders', '/billing/orders/*', '/billing/invoices', '/billing/invoices/*', '/billing/people'],
  operator: ['/operator', '/operator/runs'],
};
