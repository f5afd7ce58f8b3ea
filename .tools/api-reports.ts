import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { readOptions } from "./read-options.ts";

const help = `Usage: npm run api, npm run api:check

Writes the public surface of every published entry point to <package>/<entry>.api.md. Reads publishConfig.exports, so that
an entry point cannot be published without a report. Needs a build.

  --check  writes nothing, and fails where a report no longer says what the built declarations say
  --help   this text
`;

interface EntryPoint {
  readonly specifier: string;
  readonly folder: string;
  readonly declarations: string;
  readonly report: string;
}

interface Manifest {
  readonly name: string;
  readonly publishConfig?: {
    readonly exports?: Readonly<Record<string, string | { readonly types?: string }>>;
  };
}

const root = resolve(import.meta.dirname, "..");
const { check } = readOptions({ check: { type: "boolean", default: false } }, help);

function readEntryPoints(manifestPath: string): readonly EntryPoint[] {
  const folder = dirname(resolve(root, manifestPath));
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  return Object.entries(manifest.publishConfig?.exports ?? {}).flatMap(([path, target]) => {
    if (typeof target === "string" || target.types === undefined) return [];
    const name = path === "." ? basename(manifest.name) : basename(path);
    return [
      {
        specifier: join(manifest.name, path),
        folder,
        declarations: join(folder, target.types),
        report: `${name}.api.md`,
      },
    ];
  });
}

const entryPoints = globSync(["machines/package.json", "packages/*/package.json"], { cwd: root })
  .toSorted()
  .flatMap(readEntryPoints);

/** Compares one entry point with its report, and outside of a check writes it; true when nothing is left to do. */
function report(entry: EntryPoint): boolean {
  if (!existsSync(entry.declarations)) {
    console.error(`${entry.specifier}: ${entry.declarations} is missing; build first.`);
    return false;
  }
  const scratch = join(entry.folder, "node_modules", ".cache", "api");
  mkdirSync(scratch, { recursive: true });
  const silent = { logLevel: ExtractorLogLevel.None };
  const result = Extractor.invoke(
    ExtractorConfig.prepare({
      packageJsonFullPath: join(entry.folder, "package.json"),
      configObjectFullPath: undefined,
      configObject: {
        projectFolder: entry.folder,
        mainEntryPointFilePath: entry.declarations,
        newlineKind: "lf",
        compiler: {
          overrideTsconfig: {
            compilerOptions: {
              target: "es2024",
              lib: ["es2024"],
              types: ["node"],
              module: "nodenext",
              strict: true,
              exactOptionalPropertyTypes: true,
              skipLibCheck: true,
              // Neighbours in the workspace resolve to their sources.
              allowImportingTsExtensions: true,
              noEmit: true,
            },
            files: [entry.declarations],
          },
        },
        apiReport: {
          enabled: true,
          reportFolder: entry.folder,
          reportTempFolder: scratch,
          reportFileName: entry.report,
        },
        messages: {
          compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
          extractorMessageReporting: {
            default: { logLevel: ExtractorLogLevel.Error },
            "ae-forgotten-export": { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: true },
            "ae-missing-release-tag": silent,
            "ae-undocumented": silent,
            "ae-unresolved-link": silent,
            "ae-wrong-input-file-type": silent,
          },
          tsdocMessageReporting: { default: silent },
        },
      },
    }),
    {
      localBuild: !check,
      messageCallback: (message) => {
        message.handled = true;
        if (message.logLevel === ExtractorLogLevel.Error)
          console.error(message.formatMessageWithLocation(root));
      },
    },
  );
  rmSync(scratch, { recursive: true, force: true });
  if (result.apiReportChanged) {
    const path = join(entry.folder, entry.report).slice(root.length + 1);
    console.log(
      check ? `${path} is out of date; run \`pnpm api\` and read the difference.` : `${path} written`,
    );
  }
  return result.errorCount === 0 && !(check && result.apiReportChanged);
}

const outcomes = entryPoints.map(report);
if (outcomes.includes(false)) process.exitCode = 1;
else console.log(`${outcomes.length} API reports up to date`);
