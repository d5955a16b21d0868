"""Process trees: started, measured, limited, ended, and their files collected."""
