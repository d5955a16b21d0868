"""What the harness shares with exported packages: these modules import numpy and pandas alone, and are copied."""
