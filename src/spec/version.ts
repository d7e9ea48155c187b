/** The version of the OCI runtime specification that runt complies with. */
export const specVersion = '1.3.0'
