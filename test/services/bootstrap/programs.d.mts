export declare const PHP_MODULES: readonly string[];
export declare function findProgram(name: string): string | undefined;
export declare function phpModules(program: string): Set<string>;
export interface Programs {
  redisServer: string | undefined;
  phpFpm: string | undefined;
  php: string | undefined;
  nginx: string | undefined;
  chromium: string | undefined;
  missingModules: string[];
}
export declare function findPrograms(modules?: readonly string[]): Programs;
