export interface Missing {
  name: string;
  debian: string;
}
export declare function missingRequirements(
  modules?: readonly string[],
  options?: { browser?: boolean },
): Missing[];
export declare function isDebian(): boolean;
export declare function debianCommand(missing: readonly Missing[], sudo?: boolean): string;
export declare function instruction(missing: readonly Missing[]): string;
