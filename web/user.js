// Who the page is for stands in its address, so that it can be bookmarked and two tabs can differ.

/**
 * @param {URL|Location} address ends in #user=user003; ?user=user003 is understood too
 * @returns {string} the user, '' for none
 */
export function userIn(address) {
  return new URLSearchParams(address.hash.replace(/^#/, '')).get('user') ?? new URLSearchParams(address.search).get('user') ?? '';
}

/**
 * @param {string} user
 * @returns {string} what follows the # in the address
 */
export function hashFor(user) {
  return user ? `#${new URLSearchParams({ user })}` : '#';
}
