/** The same function with its runtime in one file. */
const { start } = require("faas-js-runtime");

void start(async () => undefined, { port: Number(process.env.PORT) });
