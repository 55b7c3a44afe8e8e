"""A Lambda-like image made from this machine's Python, for where no registry can be reached.

interpreter.find_python -> recipe.plan -> build.ImageBuilder.build -> resolve.resolve_image
"""
