"""How the models that come with coderank are made. Not part of the installed package."""
