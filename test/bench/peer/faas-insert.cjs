/** A function for faas-js-runtime that stores its event. */
const { insertEvent } = require("./insert-event.cjs");

exports.handle = async (context, event) => {
  await insertEvent(event);
};
