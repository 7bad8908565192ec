// Builds artifacts/*.json from solidity/*.sol with the pinned solc, or with --check compares them byte for byte.
// Run `npm ci` here first. Artifacts carry `sourceHash`, which a Rust test checks without Node.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync, mkdirSync, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const root = dirname(fileURLToPath(import.meta.url));
const sourceDir = join(root, "solidity");
const artifactDir = join(root, "artifacts");
// The contracts that are deployed or called by name; libraries and interfaces are inlined into these.
const contracts = [
  "Router", "QbftLightClient", "QbftLightClientFactory", "TokenTransfer", "Voucher", "MessageGateway",
  "CallAccount", "TestToken", "Echo", "RawSender", "TrieHarness", "HostileApp", "HostileClient",
];

const names = readdirSync(sourceDir).filter((name) => name.endsWith(".sol")).sort();
const sources = Object.fromEntries(names.map((name) => [name, { content: readFileSync(join(sourceDir, name), "utf8") }]));

// sha256 over file name, NUL, content, NUL of every source and of what pins the build.
const hash = createHash("sha256");
for (const name of [...names.map((name) => `solidity/${name}`), "build.mjs", "package-lock.json"]) {
  hash.update(name).update("\0").update(readFileSync(join(root, name))).update("\0");
}
const sourceHash = hash.digest("hex");

const input = {
  language: "Solidity",
  sources,
  settings: {
    evmVersion: "berlin",
    viaIR: true,
    optimizer: { enabled: true, runs: 600 },
    metadata: { bytecodeHash: "none", appendCBOR: false },
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
  },
};
const findImports = (path) => {
  const file = join(root, "node_modules", path);
  return existsSync(file) ? { contents: readFileSync(file, "utf8") } : { error: `${path} is not installed; run npm ci` };
};
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: findImports }));
// Berlin is on purpose: permissioned nodes run it.
const problems = (output.errors ?? []).filter((e) => !e.formattedMessage.startsWith("Support for EVM versions"));
for (const problem of problems) console.error(problem.formattedMessage);
if ((output.errors ?? []).some((e) => e.severity === "error")) process.exit(1);

const found = {};
for (const file of names) for (const [name, c] of Object.entries(output.contracts[file] ?? {})) found[name] = c;
mkdirSync(artifactDir, { recursive: true });
const check = process.argv.includes("--check");
let stale = 0;
for (const name of contracts) {
  const c = found[name];
  if (!c) { console.error(`no contract ${name}`); process.exit(1); }
  const deployed = c.evm.deployedBytecode.object;
  const size = deployed.length / 2;
  if (size > 24576) { console.error(`${name} has ${size} bytes, more than the 24,576 that public chains allow`); process.exit(1); }
  const text = JSON.stringify(
    { contractName: name, abi: c.abi, bytecode: c.evm.bytecode.object, deployedBytecode: deployed, sourceHash }, null, 1) + "\n";
  const path = join(artifactDir, `${name}.json`);
  if (check) {
    if (!existsSync(path) || readFileSync(path, "utf8") !== text) { console.error(`${name}.json differs from its sources`); stale += 1; }
  } else {
    writeFileSync(path, text);
    console.log(`${name} ${size} bytes`);
  }
}
process.exit(stale ? 2 : 0);
