// Being written right now by another helper (not the one of joining/way-out/pipeline/limits): leave this file alone.
