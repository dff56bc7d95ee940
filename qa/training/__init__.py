"""How the weights in ``qa/models`` were made. Needs torch and the extra ``[train]``; not used when answering."""
