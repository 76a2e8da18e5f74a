/** The tables of the schema `audit`, as Kysely sees them. */
import type { Generated } from "kysely";

/** Texts that came from outside are escaped (lib/store/text.ts). */
export interface EntryTable {
  recorded_at: Date;
  sequence: number;
  key: Buffer;
  source: string;
  id: string;
  type: string;
  subject: string | null;
  time: string | null;
  datacontenttype: string | null;
  dataschema: string | null;
  /** A JSON object of strings. */
  extensions: string;
  data: Buffer;
  /** The bytes are JSON of at most 1,000 levels, whatever the content type says. */
  data_is_json: boolean;
  task_id: string | null;
  user_id: string | null;
  generation: string | null;
  partition: number | null;
  offset: number | null;
  problem_code: string | null;
  problem_message: string | null;
  received_at: Date;
}

/** One row an identity, for ever: partitioned tables cannot have a unique key over all months. */
interface EntryKeyTable {
  key: Buffer;
  recorded_at: Date;
  sequence: number;
  content: Buffer;
  generation: string | null;
  partition: number | null;
  offset: number | null;
}

/** A later record of an identity that has its entry. */
interface DuplicateTable {
  key: Buffer;
  content: Buffer;
  differs: boolean;
  generation: string | null;
  partition: number | null;
  offset: number | null;
  recorded_at: Date;
}

interface CoverageTable {
  generation: string;
  partition: number;
  /** An int8multirange, as text. */
  offsets: string;
}

/** Offsets inside the log that hold no record: control records, aborted transactions, compacted ones. */
interface VoidOffsetsTable {
  generation: string;
  partition: number;
  offsets: string;
  noted_at: Generated<Date>;
}

interface GenerationTable {
  generation: string;
  number: Generated<number>;
  topic: string;
  /** The first offset of each partition when the generation began; index = partition. */
  begins: number[];
  reason: string;
  began_at: Generated<Date>;
}

/** How far the topic of a generation was seen to reach. */
interface TopicEndTable {
  generation: string;
  partition: number;
  end: number;
}

/** One row: where the log ends. Its lock puts the transactions of all replicas in one order. */
interface LogEndTable {
  generation: string | null;
  recorded_at: Date;
  sequence: number;
}

export interface AuditTables {
  entry: EntryTable;
  entry_key: EntryKeyTable;
  duplicate: DuplicateTable;
  coverage: CoverageTable;
  void_offsets: VoidOffsetsTable;
  generation: GenerationTable;
  topic_end: TopicEndTable;
  log_end: LogEndTable;
}
