/** Which runt this is. */

/** The same as in package.json; a test compares them. */
export const version = '0.1.0'

/** Set by the build (`--define`). */
declare const RUNT_COMMIT: string | undefined

/** The commit that this was built from; undefined where it runs from sources, or from the package. */
export const commit: string | undefined = typeof RUNT_COMMIT === 'string' ? RUNT_COMMIT : undefined
