/** A function for faas-js-runtime, which makes and validates the event itself. */
exports.handle = async () => undefined;
