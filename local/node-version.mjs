/** Loaded before the runner: an old Node gets a sentence instead of a syntax error. */
if (import.meta.main === undefined || !process.features.typescript) {
  process.stderr.write(
    `Node 24 or newer is needed to run the sources; this is ${process.version} (${process.execPath}).\n` +
      `For this platform (${process.platform}-${process.arch}) npm ci brought none: install Node 24 from https://nodejs.org and start again.\n`,
  );
  process.exit(2);
}
