// The main pages by who looks at them; a path that ends in `/*` is the first one its list links to.
export const pages = {
  visitor: ['/', '/films', '/films/*', '/courses', '/courses/*', '/posts', '/posts/*', '/search?q=salt', '/join', '/login', '/register'],
  member: ['/account'],
  subscriber: ['/films/*', '/account/subscription'],
  creator: ['/studio'],
  moderator: ['/moderation'],
  billing: ['/billing', '/billing/subscriptions', '/billing/subscriptions/*', '/billing/orders', '/billing/orders/*', '/billing/invoices', '/billing/invoices/*', '/billing/people'],
  operator: ['/operator', '/operator/runs'],
};
