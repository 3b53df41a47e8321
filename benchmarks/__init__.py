"""Speed, measured against what was promised and against doing the same without abtest."""
