/** The version of the package, which a test compares with its manifest: from a bundle of either format the manifest is hard to find. */
export const VERSION = '0.1.0';
